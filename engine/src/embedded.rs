//! A private Postgres for people who have none: made from the server binaries on this machine, reached over a unix
//! socket only, and gone when the process that started it is gone.
//!
//! Several processes may use one data folder. The first starts the server and owns it, the others adopt it; when the
//! owner is gone, [`Embedded::ensure`] in any of them starts it again. Everything here blocks: call it before the
//! async runtime is busy, or from a thread of its own.
//!
//! On Linux the kernel tells the server to end when its owner dies, even of `SIGKILL`. Elsewhere such a server goes on
//! running and the next process with the same data folder adopts it, as one that nobody owns.

mod account;
mod adopt;
mod binaries;
mod cluster;
mod connection;
mod error;
mod folder;
mod server;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;

pub use binaries::{Binaries, Version, find_binaries};
pub use error::EmbeddedError;

use folder::Folder;
use server::Server;

/// What a caller may choose about its private server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster lives in `pg` below this folder, its log in `pg.log`.
    pub data_dir: PathBuf,
    /// A folder with `initdb` and `postgres`; `None` looks in the usual places.
    pub binaries: Option<PathBuf>,
    /// Settings on top of ours, as in `postgresql.conf`. They hold only when this process starts the server.
    pub settings: Vec<(String, String)>,
}

impl Options {
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), binaries: None, settings: Vec::new() }
    }
}

/// What [`start`] came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// The cluster was made just now.
    pub created: bool,
    /// Another process had started the server.
    pub adopted: bool,
    /// The binaries on this machine; an adopted server is of the same major version.
    pub version: Version,
    /// Where the data is.
    pub folder: PathBuf,
    /// The folder that was asked for, if the server's account may not enter it and the data is elsewhere.
    pub moved_from: Option<PathBuf>,
    pub elapsed: Duration,
}

/// What [`Embedded::ensure`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    Running,
    /// Another process had started it again.
    Adopted,
    /// It was down; this process started it and owns it now.
    Restarted,
}

/// A running server, ours or adopted. Dropping it stops a server of ours.
#[derive(Debug)]
pub struct Embedded {
    options: Options,
    binaries: Binaries,
    folder: Folder,
    report: Report,
    /// Behind a lock because a supervisor's thread may call `ensure` while another thread stops the server.
    hold: Mutex<Hold>,
}

#[derive(Debug)]
enum Hold {
    Owned(Server),
    Adopted,
}

/// Finds, or makes and starts, the server for `options.data_dir`, with the database `onward` in it.
pub fn start(options: Options) -> Result<Embedded, EmbeddedError> {
    let began = Instant::now();
    let folder = Folder::prepare(&options.data_dir)?;
    let major = cluster::major_version(&folder)?;
    let binaries = binaries::choose(options.binaries.as_deref(), major, &folder.cluster())?;

    let _lock = folder.lock()?;
    let adopted = adopt::find_live(&folder)?;
    let mut created = false;
    let hold = if adopted {
        Hold::Adopted
    } else {
        created = cluster::create_if_absent(&folder, &binaries)?;
        Hold::Owned(Server::start(&folder, &binaries, &options.settings)?)
    };
    connection::create_database(&folder)?;

    let report = Report {
        created,
        adopted,
        version: binaries.version,
        folder: folder.root().to_owned(),
        moved_from: folder.moved_from().map(Path::to_owned),
        elapsed: began.elapsed(),
    };
    Ok(Embedded { options, binaries, folder, report, hold: Mutex::new(hold) })
}

impl Embedded {
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// How to reach the database. It stays the same when another process starts the server again.
    pub fn connect_options(&self) -> PgConnectOptions {
        connection::options(&self.folder, connection::DATABASE)
    }

    /// The same as text, for programs that take a `DATABASE_URL`.
    pub fn url(&self) -> String {
        connection::url(&self.folder)
    }

    /// Starts the server again if it is down, whoever owned it. Cheap when it runs: a look at our child, or one
    /// connection to an adopted server.
    pub fn ensure(&self) -> Result<Ensured, EmbeddedError> {
        let mut hold = self.hold.lock().unwrap_or_else(PoisonError::into_inner);
        let running = match &*hold {
            Hold::Owned(server) => server.is_running(),
            Hold::Adopted => connection::answers(&self.folder),
        };
        if running {
            return Ok(Ensured::Running);
        }
        let _lock = self.folder.lock()?;
        if adopt::find_live(&self.folder)? {
            *hold = Hold::Adopted;
            return Ok(Ensured::Adopted);
        }
        *hold = Hold::Owned(Server::start(&self.folder, &self.binaries, &self.options.settings)?);
        Ok(Ensured::Restarted)
    }

    /// Stops the server if this process owns it, and waits until it has ended. An adopted one is left to its owner.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        let hold = self.hold.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Hold::Owned(server) = std::mem::replace(hold, Hold::Adopted) {
            drop(server);
            self.folder.remove_socket();
        }
    }
}
