use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::binaries::Version;

/// Why the private server is not there. Each text completes "failed to start Postgres: …".
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "no PostgreSQL server (initdb and postgres, version 15 or newer) in {}; install it (`scripts/setup` knows how) \
         or set DATABASE_URL to use a server of your own",
        list(.looked_in)
    )]
    NoBinaries { looked_in: Vec<PathBuf> },
    #[error("PostgreSQL {version} in {} is too old, 15 or newer is needed", .folder.display())]
    TooOld { folder: PathBuf, version: Version },
    #[error("`{} --version` does not say which PostgreSQL it is", .program.display())]
    NoVersion {
        program: PathBuf,
        #[source]
        source: Option<io::Error>,
    },
    #[error(
        "the data in {} was made by PostgreSQL {data}, but the server in {} is {binaries}; install PostgreSQL {data}, \
         or carry the data over with pg_upgrade or pg_dump, or move the folder away to begin with an empty database",
        .cluster.display(), .folder.display()
    )]
    OtherMajor { cluster: PathBuf, data: u32, folder: PathBuf, binaries: Version },
    #[error("{} has files in it but is no Postgres cluster (it has no readable PG_VERSION); move it away", .folder.display())]
    NotACluster { folder: PathBuf },
    #[error("cannot use the folder {}", .path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the socket folder {} {problem}; remove it", .path.display())]
    SocketFolder { path: PathBuf, problem: &'static str },
    #[error("Postgres refuses to run as root, and this machine has neither a user `postgres` nor a user `nobody`")]
    NoAccount,
    #[error("another process has held {} for {} s", .file.display(), .waited.as_secs())]
    Locked { file: PathBuf, waited: Duration },
    #[error("cannot run {}", .program.display())]
    Spawn {
        program: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("initdb failed: {output}")]
    Initdb { output: String },
    #[error("the server ended at once; the end of {}:\n{tail}", .log.display())]
    Ended { log: PathBuf, tail: String },
    #[error("the server did not get ready within {} s; the end of {}:\n{tail}", .waited.as_secs(), .log.display())]
    NotReady { waited: Duration, log: PathBuf, tail: String },
    #[error("process {pid} of {} is alive but does not answer", .file.display())]
    Silent { pid: i32, file: PathBuf },
    #[error("cannot connect to the server that was just found")]
    Connect(#[source] sqlx::Error),
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    if names.is_empty() { "PATH".to_owned() } else { names.join(", ") }
}
