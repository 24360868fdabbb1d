//! The server that all test processes of a workspace share.
//!
//! The test runner gives each test a process of its own, and a server that belongs to one of them would end with it.
//! So a small keeper, the binary `onward-testdb`, owns the server: started around a whole run, or by the first test
//! that finds none, and gone when nobody has used it for a while.

mod keeper;

use std::fs::{File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::OnceCell;

pub use keeper::serve;

/// Locked shared by every process that uses the server, for as long as it lives; its time says when one last came.
const USERS: &str = "users";
/// Locked by the process that starts a keeper, so that only one does.
const STARTING: &str = "starting";
/// The address, written when the server takes connections.
const URL: &str = "url";

struct Shared {
    options: PgConnectOptions,
    /// Keeps the server from ending of idleness; `None` for a server that somebody else runs.
    _in_use: Option<File>,
}

/// The shared server's maintenance database.
pub(super) async fn shared() -> PgConnectOptions {
    static SHARED: OnceCell<Shared> = OnceCell::const_new();
    SHARED.get_or_init(find_or_start).await.options.clone()
}

async fn find_or_start() -> Shared {
    if let Some(url) = foreign_url() {
        let options = PgConnectOptions::from_str(&url).expect("ONWARD_TEST_DATABASE_URL is a Postgres URL");
        return Shared { options: options.disable_statement_logging(), _in_use: None };
    }
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("make the test server's folder");
    let in_use = lock_file(&folder, USERS);
    in_use.lock_shared().expect("say that the test server is in use");
    in_use.set_len(0).and_then(|()| in_use.set_modified(now())).expect("say when the test server was last used");

    if running(&folder).await.is_none() {
        let starting = lock_file(&folder, STARTING);
        starting.lock().expect("wait for whoever starts the test server");
        if running(&folder).await.is_none() {
            start_keeper(&folder);
        }
    }
    let options = running(&folder).await.expect("the keeper said that its server is ready");
    Shared { options, _in_use: Some(in_use) }
}

/// Where the server's files are: one server for each checkout and user, wherever the build's output goes.
pub fn folder() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
    let uid = nix::unistd::geteuid();
    std::env::temp_dir().join(format!("onward-testdb-{uid}-{:012x}", hasher.finish() >> 16))
}

async fn running(folder: &Path) -> Option<PgConnectOptions> {
    let url = std::fs::read_to_string(folder.join(URL)).ok()?;
    let options = PgConnectOptions::from_str(url.trim()).ok()?.database("postgres").disable_statement_logging();
    PgConnection::connect_with(&options).await.ok()?.close().await.ok()?;
    Some(options)
}

/// Returns when its server is ready. It outlives us: its own process group, and none of our output handles, which the
/// test runner would wait for.
fn start_keeper(folder: &Path) {
    let log = OpenOptions::new().create(true).append(true).open(folder.join("keeper.log")).expect("open keeper.log");
    let mut keeper = Command::new(keeper_binary());
    keeper.arg("serve").process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = keeper.spawn().expect("start onward-testdb");
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("read what onward-testdb says");
    assert!(
        line.starts_with("ready"),
        "onward-testdb did not start: see keeper.log and pg.log in {}",
        folder.display()
    );
    // Collected if it ends before this process does.
    std::thread::spawn(move || child.wait());
}

/// Beside the running test's own folder `deps`. Building a single crate's tests does not build it, so it may have to
/// be built here; cargo has let go of its lock by the time tests run.
fn keeper_binary() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its program");
    let profile = test.ancestors().find(|folder| folder.ends_with("deps")).and_then(Path::parent);
    let binary = profile.or_else(|| test.parent()).expect("a program is in a folder").join("onward-testdb");
    if binary.exists() {
        return binary;
    }
    let target = binary.parent().and_then(Path::parent).expect("a profile's folder is in the target folder");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "onward-testkit", "--bin", "onward-testdb", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::null())
        .status()
        .expect("run cargo");
    assert!(built.success(), "cargo could not build onward-testdb");
    target.join("debug/onward-testdb")
}

fn lock_file(folder: &Path, name: &str) -> File {
    let path = folder.join(name);
    OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("open a lock file of the test server")
}

#[expect(clippy::disallowed_methods, reason = "a file's time, compared with nothing but itself")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings module; this is their only setting")]
fn foreign_url() -> Option<String> {
    std::env::var("ONWARD_TEST_DATABASE_URL").ok()
}
