//! Waiting for files to change.

use std::path::PathBuf;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

/// Editors write a file in several steps; the last one counts.
const SETTLE: Duration = Duration::from_millis(50);
/// Some file systems tell nobody what changes.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Folders that are watched, not below; nobody says what has changed.
pub struct Changes {
    notes: mpsc::Receiver<()>,
    /// Stops to watch when it is dropped.
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    pub fn of(folders: &[PathBuf]) -> Self {
        let (note, notes) = mpsc::channel(1);
        let notice = move |event: notify::Result<notify::Event>| {
            // Reading is no change: it would go on for ever.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            // One waiting note is enough.
            let _ = note.try_send(());
        };
        let watcher = notify::recommended_watcher(notice).and_then(|mut watcher: RecommendedWatcher| {
            for folder in folders {
                watcher.watch(folder, RecursiveMode::NonRecursive)?;
            }
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            tracing::warn!(error = %error, "the folder cannot be watched; it is looked at every few seconds");
        }
        Self { notes, _watcher: watcher.ok() }
    }

    /// Ends when something may have changed, at the latest after a few seconds.
    pub async fn next(&mut self) {
        tokio::select! {
            Some(()) = self.notes.recv() => tokio::time::sleep(SETTLE).await,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
