//! Wake-ups: the local worker at once, other processes by a notification every few milliseconds at the most.
//!
//! A lost wake-up costs a poll, never a run: polling is the truth.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onward_workflows::RunId;
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const CHANNEL: &str = "onward_wake";
/// Notifications of one process are gathered for this long.
const GATHER: Duration = Duration::from_millis(5);
/// More names than this are not remembered: a poll finds them.
const NAMES_MAX: usize = 1_000;
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Tells this process and others that a queue has work or a run has changed.
#[derive(Debug, Clone)]
pub struct Wakes {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// What has to be told to others. A set under a lock for a few synchronous lines: sending the same name twice
    /// would be waste, and a channel cannot forget.
    outgoing: Mutex<BTreeSet<String>>,
    /// What this process has been told, by itself or by others.
    incoming: Mutex<BTreeSet<Wake>>,
    outgoing_changed: Notify,
    incoming_changed: Notify,
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    Queue(String),
    Run(RunId),
}

impl Wakes {
    pub(crate) fn start(pool: PgPool) -> Self {
        let shared = Arc::new(Shared::default());
        tokio::spawn(send(pool, Arc::downgrade(&shared)));
        Self { shared }
    }

    pub fn queue(&self, queue: &str) {
        self.tell(Wake::Queue(queue.to_owned()), queue.to_owned());
    }

    pub fn run(&self, run: RunId) {
        self.tell(Wake::Run(run), run.to_string());
    }

    fn tell(&self, wake: Wake, name: String) {
        self.receive(wake);
        add(&self.shared.outgoing, name);
        self.shared.outgoing_changed.notify_one();
    }

    fn receive(&self, wake: Wake) {
        add(&self.shared.incoming, wake);
        self.shared.incoming_changed.notify_one();
    }

    /// Waits until something has changed and takes it. For one caller at a time: the process's claimer.
    pub async fn changed(&self) -> Vec<Wake> {
        loop {
            let taken =
                std::mem::take(&mut *self.shared.incoming.lock().expect("no code panics while it holds this lock"));
            if !taken.is_empty() {
                return taken.into_iter().collect();
            }
            self.shared.incoming_changed.notified().await;
        }
    }
}

fn add<T: Ord>(names: &Mutex<BTreeSet<T>>, name: T) {
    let mut names = names.lock().expect("no code panics while it holds this lock");
    if names.len() < NAMES_MAX {
        names.insert(name);
    }
}

/// Sends what has gathered, until the last [`Wakes`] is gone.
async fn send(pool: PgPool, shared: std::sync::Weak<Shared>) {
    while let Some(shared) = shared.upgrade() {
        // The weak reference must not be held up by this wait for ever: look again once a second.
        let _ = tokio::time::timeout(RECONNECT_PAUSE, shared.outgoing_changed.notified()).await;
        let names: Vec<String> =
            std::mem::take(&mut *shared.outgoing.lock().expect("no code panics while it holds this lock"))
                .into_iter()
                .collect();
        drop(shared);
        if names.is_empty() {
            continue;
        }
        if let Err(error) = sqlx::query_file!("queries/notify_wakes.sql", &names).fetch_all(&pool).await {
            tracing::debug!(error = %error, "a wake-up was not sent; polling will find the work");
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Receives other processes' wake-ups on a connection of its own, until stopped.
pub async fn listen(pool: PgPool, wakes: Wakes, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let listening = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            loop {
                let name = listener.recv().await?.payload().to_owned();
                wakes.receive(RunId::from_str(&name).map_or(Wake::Queue(name), Wake::Run));
            }
        };
        let Err(error): Result<std::convert::Infallible, sqlx::Error> = tokio::select! {
            () = stop.cancelled() => return,
            failed = listening => failed,
        };
        tracing::debug!(error = %error, "listening for wake-ups failed; it starts again");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RECONNECT_PAUSE) => {}
        }
    }
}
