//! Where the cluster, its log, its lock and its socket are.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::EmbeddedError;
use super::account::Account;

pub(super) const UNFINISHED: &str = "pg.unfinished.";

/// Longer than any start, so that only a hung process is reported.
const LOCK_WAIT: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    socket: PathBuf,
    moved_from: Option<PathBuf>,
    pub(super) account: Account,
}

impl Folder {
    /// Makes the folder, or its substitute where the server's account may not enter it.
    pub(super) fn prepare(requested: &Path) -> Result<Self, EmbeddedError> {
        let requested = make(requested).and_then(|()| requested.canonicalize()).map_err(at(requested))?;
        let account = Account::for_cluster(&requested.join("pg"))?;
        if account.may_reach(&requested) {
            return Ok(Self { socket: socket_folder(&requested), root: requested, moved_from: None, account });
        }
        let root = elsewhere(&requested)?;
        let account = Account::for_cluster(&root.join("pg"))?;
        Ok(Self { socket: socket_folder(&root), root, moved_from: Some(requested), account })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn moved_from(&self) -> Option<&Path> {
        self.moved_from.as_deref()
    }

    /// Exists only once it is complete.
    pub(super) fn cluster(&self) -> PathBuf {
        self.root.join("pg")
    }

    pub(super) fn unfinished_cluster(&self) -> PathBuf {
        self.root.join(format!("{UNFINISHED}{}", std::process::id()))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("pg.log")
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Held while a process looks for the server, makes the cluster and starts it; freed by the kernel when the
    /// process ends.
    pub(super) fn lock(&self) -> Result<File, EmbeddedError> {
        let (path, file) = self.lock_file()?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(at(&path)(source)),
                Err(TryLockError::WouldBlock) if began.elapsed() > LOCK_WAIT => {
                    return Err(EmbeddedError::Locked { file: path, waited: LOCK_WAIT });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn lock_file(&self) -> Result<(PathBuf, File), EmbeddedError> {
        let path = self.root.join("pg.lock");
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        opened.map(|file| (path.clone(), file)).map_err(at(&path))
    }

    /// Makes the socket folder. Its name can be guessed and `/tmp` is everybody's, so whatever is there already must
    /// be a closed folder of the server's account.
    pub(super) fn prepare_socket(&self) -> Result<(), EmbeddedError> {
        let path = &self.socket;
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => self.account.give(path).map_err(at(path))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(at(path)(error)),
        }
        let refuse = |problem| EmbeddedError::SocketFolder { path: path.clone(), problem };
        let found = path.symlink_metadata().map_err(at(path))?;
        if !found.is_dir() {
            return Err(refuse("is not a folder"));
        }
        if found.uid() != self.account.uid() {
            return Err(refuse("belongs to somebody else"));
        }
        if found.mode() & 0o077 != 0 {
            return Err(refuse("is open to others"));
        }
        Ok(())
    }

    /// After a stop: leaves nothing in `/tmp`, unless another process is about to start the server there.
    pub(super) fn remove_socket(&self) {
        let Ok((_, lock)) = self.lock_file() else { return };
        if lock.try_lock().is_ok() {
            // Not empty if somebody else's server runs already.
            let _ = std::fs::remove_dir(&self.socket);
        }
    }
}

/// A function of the data folder alone, whatever the environment, so that all processes agree on it. It is short
/// because a socket's path has 107 bytes at most.
fn socket_folder(root: &Path) -> PathBuf {
    PathBuf::from(format!("/tmp/onward-{}", digest(root)))
}

fn elsewhere(requested: &Path) -> Result<PathBuf, EmbeddedError> {
    let state = PathBuf::from(format!("/var/lib/onward-{}", digest(requested)));
    if make(&state).is_ok() {
        return Ok(state);
    }
    // The name can be guessed and the parent is everybody's: take only a folder that is ours.
    let uid = geteuid().as_raw();
    let temporary = PathBuf::from(format!("/var/tmp/onward-{uid}-{}", digest(requested)));
    make(&temporary).map_err(at(&temporary))?;
    let found = temporary.symlink_metadata().map_err(at(&temporary))?;
    if !found.is_dir() || found.uid() != uid {
        return Err(at(&temporary)(io::Error::other("it belongs to somebody else")));
    }
    Ok(temporary)
}

/// A new folder may be passed through by the server's account, whatever the umask says; an existing one keeps its mode.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o755))
}

fn digest(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let hash = Sha256::digest(path.as_os_str().as_bytes());
    hash.iter().take(6).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| EmbeddedError::Folder { path, source }
}
