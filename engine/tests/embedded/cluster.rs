//! The private server's data, its errors, and the account it runs as.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use nix::unistd::{User, geteuid};
use onward_engine::embedded::{EmbeddedError, Options, find_binaries, start};
use sqlx::{Connection, Executor, PgConnection};

use crate::holder::{Holder, TestFolder};

#[tokio::test]
async fn data_survives_a_stop() {
    let folder = TestFolder::new();
    let first = start(Options::new(folder.path())).expect("start");
    assert!(first.report().created);
    let mut connection = PgConnection::connect_with(&first.connect_options()).await.expect("connect");
    connection.execute("create table kept (id int); insert into kept values (7)").await.expect("write");
    drop(connection);
    let sockets = first.connect_options().get_socket().expect("a unix socket").clone();
    assert!(sockets.is_dir());
    first.stop();
    assert!(!folder.has_server());
    assert!(!sockets.exists(), "a stopped server leaves nothing behind");

    let second = start(Options::new(folder.path())).expect("start again");

    assert!(!second.report().created);
    let mut connection = PgConnection::connect(&second.url()).await.expect("connect by the address");
    let kept: i32 = sqlx::query_scalar("select id from kept").fetch_one(&mut connection).await.expect("read");
    assert_eq!(kept, 7);
}

#[tokio::test]
async fn the_server_is_closed_to_the_network_and_sorts_by_bytes() {
    let folder = TestFolder::new();
    let server = start(Options::new(folder.path())).expect("start");
    let mut connection = PgConnection::connect_with(&server.connect_options()).await.expect("connect");
    let mut show = async |name: &str| -> String {
        sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut connection).await.expect("show")
    };
    assert_eq!(show("listen_addresses").await, "");
    assert_eq!(show("data_checksums").await, "on");
    assert_eq!(show("fsync").await, "on");
    assert_eq!(show("synchronous_commit").await, "on");
    assert_eq!(show("timezone").await, "UTC");
    assert_eq!(show("server_encoding").await, "UTF8");
    let sockets = show("unix_socket_directories").await;
    assert_eq!(Path::new(&sockets).metadata().expect("the socket's folder").mode() & 0o777, 0o700);
    let order: bool = sqlx::query_scalar("select 'B' < 'a'").fetch_one(&mut connection).await.expect("compare");
    assert!(order, "locale C puts capitals first");
}

#[test]
fn data_of_another_major_version_is_refused_with_both_versions() {
    let folder = TestFolder::new();
    let cluster = folder.path().join("pg");
    std::fs::create_dir(&cluster).expect("make a folder");
    std::fs::write(cluster.join("PG_VERSION"), "12\n").expect("write a version");

    let error = start(Options::new(folder.path())).expect_err("refused");

    let binaries = find_binaries(None).expect("there are binaries");
    assert!(
        matches!(&error, EmbeddedError::OtherMajor { data: 12, binaries: found, .. } if *found == binaries.version)
    );
    let text = error.to_string();
    for part in ["PostgreSQL 12", &binaries.version.to_string(), &folder.path().display().to_string(), "pg_upgrade"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn a_folder_with_other_files_is_not_touched() {
    let folder = TestFolder::new();
    let cluster = folder.path().join("pg");
    std::fs::create_dir(&cluster).expect("make a folder");
    std::fs::write(cluster.join("letter.txt"), "dear").expect("write a file");

    let error = start(Options::new(folder.path())).expect_err("refused");

    assert!(matches!(error, EmbeddedError::NotACluster { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(cluster.join("letter.txt")).expect("read it"), "dear");
}

#[test]
fn a_folder_without_binaries_is_named() {
    let folder = TestFolder::new();
    let error = find_binaries(Some(folder.path())).expect_err("none there");
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
}

#[test]
fn a_server_that_cannot_start_says_what_its_log_says() {
    let folder = TestFolder::new();
    let mut options = Options::new(folder.path());
    options.settings = vec![("shared_buffers".to_owned(), "lots".to_owned())];
    let error = start(options).expect_err("refused");
    assert!(matches!(&error, EmbeddedError::Ended { tail, .. } if tail.contains("shared_buffers")), "{error}");
}

#[test]
fn the_server_runs_in_a_session_of_its_own_and_never_as_root() {
    let folder = TestFolder::new();
    let server = start(Options::new(folder.path())).expect("start");
    let pid = folder.server_pid();
    assert_eq!(nix::unistd::getsid(Some(pid)), Ok(pid));
    if cfg!(target_os = "linux") {
        let owner = Path::new("/proc").join(pid.to_string()).metadata().expect("it runs").uid();
        assert_ne!(owner, 0);
        assert!(geteuid().is_root() || owner == geteuid().as_raw());
    }
    server.stop();
}

/// What a root user may try; for others there is nothing to drop and no folder that only they may enter.
fn nobody() -> Option<User> {
    let nobody = User::from_name("nobody").expect("look up a user")?;
    geteuid().is_root().then_some(nobody)
}

#[test]
fn an_unprivileged_user_has_a_server_of_its_own() {
    let Some(nobody) = nobody() else { return };
    let folder = TestFolder::new();
    chown(folder.path(), Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("give the folder away");

    let holder = Holder::start_as(folder.path(), &nobody);

    assert_eq!(holder.started, "created=true adopted=false");
    assert_eq!(folder.path().join("pg").metadata().expect("the cluster").uid(), nobody.uid.as_raw());
    holder.stop();

    // Root takes such a cluster as it is, and leaves it to its owner.
    let server = start(Options::new(folder.path())).expect("start as root");
    assert!(!server.report().created);
    assert_eq!(folder.path().join("pg").metadata().expect("the cluster").uid(), nobody.uid.as_raw());
}

#[test]
fn data_goes_elsewhere_when_its_account_may_not_enter_the_folder() {
    if nobody().is_none() {
        return;
    }
    let folder = TestFolder::new();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("close the folder");
    let asked = folder.path().join("data");

    let server = start(Options::new(&asked)).expect("start");

    let report = server.report().clone();
    assert_eq!(report.moved_from.as_deref(), Some(asked.as_path()));
    assert!(!report.folder.starts_with(folder.path()));
    assert!(report.folder.join("pg/PG_VERSION").exists());
    server.stop();
    let again = start(Options::new(&asked)).expect("start again");
    assert_eq!((again.report().created, &again.report().folder), (false, &report.folder));
    again.stop();
    std::fs::remove_dir_all(&report.folder).expect("remove what the test made");
}
