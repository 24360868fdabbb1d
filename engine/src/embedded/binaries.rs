//! Which Postgres to run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::EmbeddedError;

/// Older servers lack `--locale-provider` and the `strategy` of `create database`.
const OLDEST_MAJOR: u32 = 15;

/// Where packages put server binaries: `(parent, prefix of the version's folder, rest)`.
const WELL_KNOWN: [(&str, &str, &str); 6] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql", "bin"),
    ("/usr/local/opt", "postgresql", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A folder that holds `initdb` and `postgres` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    pub folder: PathBuf,
    pub version: Version,
}

impl Binaries {
    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }
}

/// The binaries in `override_dir`, else the newest in the usual folders, else those on `PATH`.
pub fn find_binaries(override_dir: Option<&Path>) -> Result<Binaries, EmbeddedError> {
    let found = find_all(override_dir)?;
    Ok(newest(&found).clone())
}

/// As [`find_binaries`], but data that exists decides which of several installed versions runs it.
pub(super) fn choose(
    override_dir: Option<&Path>,
    data_major: Option<u32>,
    cluster: &Path,
) -> Result<Binaries, EmbeddedError> {
    let found = find_all(override_dir)?;
    let newest = newest(&found).clone();
    let Some(data) = data_major else { return Ok(newest) };
    found.into_iter().filter(|binaries| binaries.version.major == data).max_by_key(|binaries| binaries.version).ok_or(
        EmbeddedError::OtherMajor {
            cluster: cluster.to_owned(),
            data,
            folder: newest.folder,
            binaries: newest.version,
        },
    )
}

fn newest(found: &[Binaries]) -> &Binaries {
    found.iter().max_by_key(|binaries| binaries.version).expect("find_all returns at least one")
}

/// Never empty.
fn find_all(override_dir: Option<&Path>) -> Result<Vec<Binaries>, EmbeddedError> {
    let groups = match override_dir {
        Some(folder) => vec![vec![folder.to_owned()]],
        None => vec![well_known(), on_path()],
    };
    let mut looked_in = Vec::new();
    let mut old = None;
    for group in groups {
        let mut usable = Vec::new();
        for folder in group {
            if is_server(&folder) {
                let version = read_version(&folder)?;
                let found = Binaries { folder: folder.clone(), version };
                if version.major >= OLDEST_MAJOR {
                    usable.push(found);
                } else {
                    old = Some(found);
                }
            }
            looked_in.push(folder);
        }
        if !usable.is_empty() {
            return Ok(usable);
        }
    }
    Err(match old {
        Some(Binaries { folder, version }) => EmbeddedError::TooOld { folder, version },
        None => EmbeddedError::NoBinaries { looked_in },
    })
}

fn well_known() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix, rest) in WELL_KNOWN {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        let versions = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
        folders.extend(versions.map(|entry| entry.path().join(rest)).filter(|folder| is_server(folder)));
    }
    folders.sort();
    folders
}

fn on_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
}

fn is_server(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

fn read_version(folder: &Path) -> Result<Version, EmbeddedError> {
    let program = folder.join("postgres");
    let output = match Command::new(&program).arg("--version").output() {
        Ok(output) => output,
        Err(source) => return Err(EmbeddedError::NoVersion { program, source: Some(source) }),
    };
    parse_version(&String::from_utf8_lossy(&output.stdout)).ok_or(EmbeddedError::NoVersion { program, source: None })
}

/// From `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 17.2`, `… 18beta1`.
fn parse_version(text: &str) -> Option<Version> {
    let number = text.split_once("(PostgreSQL)")?.1.split_whitespace().next()?;
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let major = digits(number);
    let minor = number.strip_prefix(major.as_str())?.strip_prefix('.').map(digits);
    Some(Version { major: major.parse().ok()?, minor: minor.and_then(|minor| minor.parse().ok()).unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u32, u32)>) {
        assert_eq!(parse_version(text), expected.map(|(major, minor)| Version { major, minor }), "{text}");
    }

    #[test]
    fn versions_of_packages_betas_and_strangers() {
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some((15, 18)));
        check("postgres (PostgreSQL) 17.2\n", Some((17, 2)));
        check("postgres (PostgreSQL) 18beta1\n", Some((18, 0)));
        check("postgres (PostgreSQL) next\n", None);
        check("mysqld 8.0\n", None);
    }
}
