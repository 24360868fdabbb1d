//! Who owns the private server, and what becomes of it when its owner is killed.

use std::time::Duration;

use onward_testkit::wait_until;

use crate::holder::{Holder, TestFolder, is_running};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_killed_owner_takes_its_server_along() {
    let folder = TestFolder::new();
    let owner = Holder::start(folder.path());
    assert_eq!(owner.started, "created=true adopted=false");
    let server = folder.server_pid();
    assert!(is_running(server));

    owner.kill9();

    wait_until(SOON, "the server to end after its owner", async || !is_running(server)).await;
}

#[tokio::test]
async fn an_adopted_server_survives_the_one_that_adopted_it() {
    let folder = TestFolder::new();
    let mut owner = Holder::start(folder.path());
    let guest = Holder::start(folder.path());
    assert_eq!(guest.started, "created=false adopted=true");
    let server = folder.server_pid();

    guest.kill9();
    assert_eq!(owner.ensure(), "Running");
    assert_eq!(folder.server_pid(), server);

    let guest = Holder::start(folder.path());
    guest.stop();
    assert_eq!(owner.ensure(), "Running");
    assert!(is_running(server));
}

#[tokio::test]
async fn of_two_that_lost_the_owner_one_starts_the_server_again_and_the_other_adopts_it() {
    let folder = TestFolder::new();
    let owner = Holder::start(folder.path());
    let mut guests = [Holder::start(folder.path()), Holder::start(folder.path())];
    let server = folder.server_pid();

    owner.kill9();
    wait_until(SOON, "the server to end after its owner", async || !is_running(server)).await;
    // Both ask at the same time, as supervisors do.
    guests.iter_mut().for_each(Holder::ask);
    let mut answers = guests.each_mut().map(Holder::answer);

    answers.sort();
    // The other may have looked when the server was there again.
    assert!(answers == ["Adopted", "Restarted"] || answers == ["Restarted", "Running"], "{answers:?}");
    assert_ne!(folder.server_pid(), server);
    let [first, second] = guests;
    first.stop();
    second.stop();
    assert!(!folder.has_server());
}

#[tokio::test]
async fn of_two_that_begin_together_one_makes_the_cluster_and_the_other_adopts_it() {
    let folder = TestFolder::new();
    let mut started = std::thread::scope(|scope| {
        let threads = [(), ()].map(|()| scope.spawn(|| Holder::start(folder.path())));
        threads.map(|thread| thread.join().expect("the holder starts"))
    });
    started.sort_by(|one, other| one.started.cmp(&other.started));
    assert_eq!(started[0].started, "created=false adopted=true");
    assert_eq!(started[1].started, "created=true adopted=false");
}

#[tokio::test]
async fn an_interrupted_initdb_is_done_again() {
    let folder = TestFolder::new();
    let owner = Holder::spawn(folder.path());
    let begun = async || folder.entries().iter().any(|name| name.starts_with("pg.unfinished"));
    wait_until(SOON, "initdb to begin", begun).await;
    owner.kill9();
    assert!(!folder.entries().contains(&"pg".to_owned()), "half a cluster must not look like one");

    let second = Holder::start(folder.path());

    assert_eq!(second.started, "created=true adopted=false");
    second.stop();
}
