//! Postgres refuses to run as root, so a root process runs it as somebody else.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{User, geteuid};

use super::EmbeddedError;

/// Whom the server runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// The user of this process.
    Ours,
    /// An unprivileged user, because this process is root.
    Other { uid: u32, gid: u32 },
}

impl Account {
    /// Data that exists keeps its owner: the user `postgres` may have come to the machine later.
    pub(super) fn for_cluster(cluster: &Path) -> Result<Self, EmbeddedError> {
        if !geteuid().is_root() {
            return Ok(Self::Ours);
        }
        if let Ok(existing) = cluster.symlink_metadata()
            && existing.uid() != 0
        {
            return Ok(Self::Other { uid: existing.uid(), gid: existing.gid() });
        }
        let user = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or(EmbeddedError::NoAccount)?;
        Ok(Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
    }

    /// The uid that must own the server's folders.
    pub(super) fn uid(self) -> u32 {
        match self {
            Self::Ours => geteuid().as_raw(),
            Self::Other { uid, .. } => uid,
        }
    }

    /// Lets `command` run as this account. The standard library also clears the supplementary groups.
    pub(super) fn apply(self, command: &mut Command) {
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    pub(super) fn give(self, folder: &Path) -> std::io::Result<()> {
        match self {
            Self::Ours => Ok(()),
            Self::Other { uid, gid } => std::os::unix::fs::lchown(folder, Some(uid), Some(gid)),
        }
    }

    /// Whether this account may pass through every folder from the root down to `folder`.
    pub(super) fn may_reach(self, folder: &Path) -> bool {
        let Self::Other { uid, gid } = self else { return true };
        folder.ancestors().all(|ancestor| ancestor.metadata().is_ok_and(|metadata| may_search(&metadata, uid, gid)))
    }
}

fn may_search(folder: &Metadata, uid: u32, gid: u32) -> bool {
    let bit = if folder.uid() == uid {
        0o100
    } else if folder.gid() == gid {
        0o010
    } else {
        0o001
    };
    folder.mode() & bit != 0
}
