use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::Signal;
use onward_testkit::standin::StandIn;
use onward_testkit::{Process, wait_until};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{deploy, two_effects, with_shop};
use crate::place::{DEADLINE, Place, send_signal};

const RUNS: usize = 12;
const TRIGGERS: usize = 50;
const CALLERS: usize = 5;
/// With the last of so many answers the server is killed.
const ANSWERED: usize = 15;

const NOTE: &str = "version: 1
name: note
triggers: [{ type: webhook, config: { endpoint: note } }]
steps: [{ id: note, type: log, config: { message: noted } }]
";

/// An outside caller.
#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    base: String,
    key: String,
}

impl Caller {
    fn new(place: &Place) -> Self {
        // The client wants one even if it never speaks TLS.
        rustls::crypto::ring::default_provider().install_default().ok();
        let key = place.variables.iter().find(|(name, _)| *name == "ONWARD_KEY").expect("a key was made").1.clone();
        Self { http: reqwest::Client::new(), base: format!("http://{}/api/v1", place.listen), key }
    }

    /// The run of a 202; `None` without an answer.
    async fn trigger(&self, endpoint: &str, idempotency_key: &str) -> Option<String> {
        let request = self.http.post(format!("{}/triggers/{endpoint}", self.base)).bearer_auth(&self.key);
        let answer =
            request.header("idempotency-key", idempotency_key).json(&serde_json::json!({})).send().await.ok()?;
        assert_eq!(answer.status(), 202);
        let body: Value = answer.json().await.ok()?;
        Some(body["run_id"].as_str().expect("an accepted run has an id").to_owned())
    }
}

/// The process id of the private Postgres, found through the folder that the ready line names.
fn postgres_of(server: &Process) -> u32 {
    let lines = server.lines();
    let ready = lines.iter().find(|line| line.starts_with("ready")).expect("it said that it is ready");
    let (_, rest) = ready.split_once("private ").expect("it has a private Postgres");
    let (_, rest) = rest.split_once(" in ").expect("which is in a folder");
    let folder = std::path::Path::new(rest.split(',').next().expect("which has a name"));
    let file = std::fs::read_to_string(folder.join("pg/postmaster.pid")).expect("read postmaster.pid");
    file.lines().next().and_then(|line| line.parse().ok()).expect("it begins with the process id")
}

/// A process that nobody has waited for yet has no command line any more.
fn is_gone(process: u32) -> bool {
    std::fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| line.is_empty())
        || !std::path::Path::new(&format!("/proc/{process}")).exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_accepted_is_there_when_the_server_dies_after_the_answer() {
    let mut place = Place::new(vec![]);
    let mut server = place.serve(&["serve", "--no-worker"]).await;
    place.make_key().await;
    deploy(&place, "note.yaml", NOTE).await;
    let caller = Caller::new(&place);
    let run = caller.trigger("note", "once").await.expect("a 202");
    server.kill9();

    let _again = place.serve(&["serve"]).await;
    wait_until(DEADLINE, "the run to succeed", async || place.count_runs("succeeded").await == 1).await;
    let shown: Value = serde_json::from_str(&place.ask(&["runs", "show", &run, "--json"]).await).expect("JSON");
    assert_eq!(shown["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_a_run_goes_on_watching_when_the_server_is_back() {
    let mut place = Place::new(vec![]);
    let mut server = place.serve(&["serve"]).await;
    place.make_key().await;
    deploy(&place, "pause.yaml", "version: 1\nname: pause\nsteps: [{ id: pause, type: wait, config: { for: 1h } }]\n")
        .await;
    let mut watcher = Process::start(&mut place.command(&["run", "pause"]));
    watcher.wait_for_line("◷ pause").await;
    server.kill9();
    watcher.wait_for_line("does not answer any more").await;

    let _again = place.serve(&["serve"]).await;
    let listed = place.ask(&["runs", "list", "--json"]).await;
    let run: Value = serde_json::from_str(&listed).expect("one run");
    place.ask(&["runs", "cancel", run["id"].as_str().expect("an id")]).await;
    assert_eq!(watcher.wait().await.code(), Some(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_killed_at_once_goes_on_where_it_was() {
    let shop = StandIn::start().await.expect("the shop opens");
    let mut place = Place::new(with_shop(&shop));
    let mut server = place.serve(&["serve"]).await;
    place.make_key().await;
    // Every first request takes effect and is never answered, so that all runs are inside a step.
    deploy(&place, "two.yaml", &two_effects("500ms", "{ fault: hang, times: 1 }")).await;
    let caller = Caller::new(&place);
    let mut accepted = Vec::new();
    for number in 0..RUNS {
        accepted.push(caller.trigger("two", &format!("two-{number}")).await.expect("a 202"));
    }
    wait_until(DEADLINE, "all to be inside their first step", async || shop.totals().effects == RUNS as u64).await;
    let postgres = postgres_of(&server);
    assert!(!is_gone(postgres));
    server.kill9();
    wait_until(DEADLINE, "Postgres to follow its server", async || is_gone(postgres)).await;

    let again = place.serve(&["serve"]).await;
    assert_ne!(postgres_of(&again), postgres);
    wait_until(DEADLINE, "the accepted runs to succeed", async || place.count_runs("succeeded").await == RUNS).await;
    let totals = shop.totals();
    assert_eq!((totals.effects, totals.duplicates), (2 * RUNS as u64, 0), "{totals:?}");
    for run in accepted {
        assert!(place.ask(&["runs", "show", &run]).await.contains("✓ succeeded"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_dies_alone_is_started_again() {
    let mut place = Place::new(vec![]);
    let mut server = place.serve(&["serve"]).await;
    place.make_key().await;
    deploy(&place, "note.yaml", NOTE).await;
    let postgres = postgres_of(&server);
    send_signal(postgres, Signal::SIGKILL);
    server.wait_for_line("the private Postgres was down and runs again").await;
    assert_ne!(postgres_of(&server), postgres);
    wait_until(DEADLINE, "the server to be ready again", async || {
        place.run(&["doctor", "--probe", "ready"]).await.status.success()
    })
    .await;
    place.ask(&["trigger", "note", "--wait"]).await;
    assert!(server.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_sent_again_after_a_crash_start_nothing_twice() {
    let mut place = Place::new(vec![]);
    let mut server = place.serve(&["serve"]).await;
    place.make_key().await;
    deploy(&place, "note.yaml", NOTE).await;
    let caller = Caller::new(&place);
    let first = send_all(&caller, Some(server.id())).await;
    server.wait().await;
    assert!((ANSWERED..TRIGGERS).contains(&first.len()), "some were answered, some were not: {}", first.len());

    let _again = place.serve(&["serve"]).await;
    let second = send_all(&caller, None).await;
    assert_eq!(second.len(), TRIGGERS);
    assert!(first.iter().all(|(key, run)| second[key] == *run), "an accepted key keeps its run");
    wait_until(DEADLINE, "all to succeed", async || place.count_runs("succeeded").await == TRIGGERS).await;
    assert_eq!(place.ask(&["runs", "list", "--json", "-n", "500"]).await.lines().count(), TRIGGERS);
}

/// Sends them through several callers at once; gives the run of each key that was answered. `victim` is killed by the
/// caller that hears the last answer it is to give.
async fn send_all(caller: &Caller, victim: Option<u32>) -> BTreeMap<String, String> {
    let (mut callers, answered) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    for number in 0..CALLERS {
        let (caller, answered) = (caller.clone(), Arc::clone(&answered));
        callers.spawn(async move {
            let mut runs = BTreeMap::new();
            for key in (number..TRIGGERS).step_by(CALLERS).map(|key| format!("note-{key}")) {
                let Some(run) = caller.trigger("note", &key).await else { continue };
                runs.insert(key, run);
                if answered.fetch_add(1, Ordering::Relaxed) + 1 == ANSWERED
                    && let Some(victim) = victim
                {
                    send_signal(victim, Signal::SIGKILL);
                }
            }
            runs
        });
    }
    callers.join_all().await.into_iter().flatten().collect()
}
