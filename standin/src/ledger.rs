//! What arrived and what came of it, counted by method, path and `Idempotency-Key`.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A short name for a text, for effects that have none.
pub(super) fn fingerprint(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

const RECEIVED_MAX: usize = 10_000;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub requests: u64,
    /// Distinct keys among them.
    pub keys: u64,
    /// Distinct pairs of path and key among the writes that were applied.
    pub effects: u64,
    /// Writes whose effect was there already: answered as the first one was, not applied again.
    pub repeated: u64,
    /// Effects applied once more for the same path and key. Only writes without a key can do that.
    pub duplicates: u64,
}

/// Method, path, key.
type Call = (String, String, Option<String>);

#[derive(Debug, Default)]
pub(super) struct Ledger {
    calls: HashMap<Call, u64>,
    effects: HashMap<(String, Option<String>), Effect>,
    /// The newest state of each path that was written.
    written: HashMap<String, Value>,
    received: VecDeque<Received>,
    at_work: HashMap<String, AtWork>,
    file: Option<File>,
}

/// Requests of one path that have come and are not answered.
#[derive(Debug, Default, Clone, Copy)]
struct AtWork {
    now: u64,
    most: u64,
}

#[derive(Debug)]
struct Effect {
    first: Value,
    applied: u64,
    repeated: u64,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Call { method: String, path: String, key: Option<String> },
    Write { path: String, key: Option<String>, resource: String, body: Value },
}

impl Ledger {
    /// Reads what an earlier process wrote. A last line that it could not finish is cut off: its request was not
    /// answered, so nobody relies on it.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let mut ledger = Self::default();
        let mut reader = BufReader::new(&file);
        let (mut text, mut good) = (String::new(), 0);
        while reader.read_line(&mut text)? > 0 && text.ends_with('\n') {
            let line = serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
            ledger.replay(line);
            good += text.len() as u64;
            text.clear();
        }
        file.set_len(good)?;
        file.seek(SeekFrom::End(0))?;
        ledger.file = Some(file);
        Ok(ledger)
    }

    fn replay(&mut self, line: Line) {
        match line {
            Line::Call { method, path, key } => *self.calls.entry((method, path, key)).or_default() += 1,
            Line::Write { path, key, resource, body } => {
                self.apply(path, key, resource, body);
            }
        }
    }

    /// Counts a request; the answer is how often this call has now been made.
    pub(super) fn arrived(&mut self, received: Received) -> anyhow::Result<u64> {
        let (method, path, key) = (received.method.clone(), received.path.clone(), received.key.clone());
        if self.file.is_some() {
            self.append(&Line::Call { method: method.clone(), path: path.clone(), key: key.clone() })?;
        }
        if self.received.len() == RECEIVED_MAX {
            self.received.pop_front();
        }
        self.received.push_back(received);
        let count = self.calls.entry((method, path, key)).or_default();
        *count += 1;
        Ok(*count)
    }

    /// A request is being answered, until [`Self::left`].
    pub(super) fn entered(&mut self, path: &str) {
        let at_work = self.at_work.entry(path.to_owned()).or_default();
        at_work.now += 1;
        at_work.most = at_work.most.max(at_work.now);
    }

    pub(super) fn left(&mut self, path: &str) {
        if let Some(at_work) = self.at_work.get_mut(path) {
            at_work.now = at_work.now.saturating_sub(1);
        }
    }

    pub(super) fn most_at_once(&self, path: &str) -> u64 {
        self.at_work.get(path).map_or(0, |at_work| at_work.most)
    }

    /// Applies a write once per path and key and gives back the body to answer with: on a repetition that is the
    /// first one's. On disk before it is answered.
    pub(super) fn write(
        &mut self,
        path: &str,
        key: Option<&str>,
        resource: &str,
        body: Value,
    ) -> anyhow::Result<Value> {
        let (path, key, resource) = (path.to_owned(), key.map(str::to_owned), resource.to_owned());
        if self.file.is_some() {
            let line = Line::Write { path, key, resource, body };
            self.append(&line)?;
            self.file.as_ref().map_or(Ok(()), File::sync_data)?;
            let Line::Write { path, key, resource, body } = line else { unreachable!("it was made three lines above") };
            return Ok(self.apply(path, key, resource, body));
        }
        Ok(self.apply(path, key, resource, body))
    }

    fn apply(&mut self, path: String, key: Option<String>, resource: String, body: Value) -> Value {
        let keyed = key.is_some();
        let new = Effect { first: body.clone(), applied: 0, repeated: 0 };
        let effect = self.effects.entry((path, key)).or_insert(new);
        if keyed && effect.applied > 0 {
            effect.repeated += 1;
            return effect.first.clone();
        }
        effect.applied += 1;
        self.written.insert(resource, body.clone());
        body
    }

    pub(super) fn read(&self, resource: &str) -> Option<Value> {
        self.written.get(resource).cloned()
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.iter().cloned().collect()
    }

    /// Of the paths that begin with `prefix`.
    pub(super) fn totals(&self, prefix: &str) -> Totals {
        let mut totals = Totals::default();
        let mut keys = HashSet::new();
        for ((_, path, key), count) in &self.calls {
            if path.starts_with(prefix) {
                totals.requests += count;
                keys.extend(key);
            }
        }
        totals.keys = keys.len() as u64;
        for ((path, _), effect) in &self.effects {
            if path.starts_with(prefix) {
                totals.effects += 1;
                totals.repeated += effect.repeated;
                totals.duplicates += effect.applied - 1;
            }
        }
        totals
    }

    pub(super) fn reset(&mut self) -> anyhow::Result<()> {
        let file = self.file.take();
        if let Some(file) = &file {
            file.set_len(0)?;
            file.sync_data()?;
        }
        *self = Self { file, ..Self::default() };
        Ok(())
    }

    fn append(&mut self, line: &Line) -> anyhow::Result<()> {
        if let Some(file) = &mut self.file {
            let mut text = serde_json::to_vec(line)?;
            text.push(b'\n');
            file.write_all(&text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arrive(ledger: &mut Ledger, method: &str, path: &str, key: Option<&str>) -> u64 {
        let received = Received {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            key: key.map(str::to_owned),
            headers: BTreeMap::new(),
            body: Vec::new(),
        };
        ledger.arrived(received).unwrap()
    }

    #[test]
    fn a_repeated_write_is_answered_as_the_first_and_not_applied() {
        let mut ledger = Ledger::default();
        let mut write = |key: Option<&str>, number: u32| ledger.write("/r/1", key, "/r/1", json!(number)).unwrap();
        assert_eq!([write(Some("a"), 1), write(Some("a"), 2), write(Some("b"), 3)], [json!(1), json!(1), json!(3)]);
        assert_eq!(ledger.read("/r/1"), Some(json!(3)));
        assert_eq!(ledger.totals(""), Totals { effects: 2, repeated: 1, ..Totals::default() });
    }

    #[test]
    fn writes_without_a_key_are_duplicates() {
        let mut ledger = Ledger::default();
        for number in 0..3 {
            ledger.write("/r/1", None, "/r/1", json!(number)).unwrap();
        }
        assert_eq!(ledger.totals(""), Totals { effects: 1, duplicates: 2, ..Totals::default() });
        assert_eq!(ledger.read("/r/1"), Some(json!(2)));
    }

    #[test]
    fn requests_are_counted_by_method_path_and_key() {
        let mut ledger = Ledger::default();
        assert_eq!(arrive(&mut ledger, "GET", "/a", Some("k")), 1);
        assert_eq!(arrive(&mut ledger, "GET", "/a", Some("k")), 2);
        assert_eq!(arrive(&mut ledger, "PUT", "/a", Some("k")), 1);
        assert_eq!(arrive(&mut ledger, "GET", "/b", None), 1);
        assert_eq!(ledger.totals(""), Totals { requests: 4, keys: 1, ..Totals::default() });
        assert_eq!(ledger.totals("/b"), Totals { requests: 1, ..Totals::default() });
    }

    #[test]
    fn a_file_brings_everything_back_but_an_unfinished_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::open(&path).unwrap();
        arrive(&mut ledger, "PUT", "/r/1", Some("a"));
        ledger.write("/r/1", Some("a"), "/r/1", json!({ "n": 1 })).unwrap();
        let before = ledger.totals("");
        drop(ledger);
        let mut text = std::fs::read(&path).unwrap();
        text.extend_from_slice(b"{\"write\":{\"pa");
        std::fs::write(&path, text).unwrap();

        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.totals(""), before);
        assert_eq!(ledger.write("/r/1", Some("a"), "/r/1", json!({ "n": 2 })).unwrap(), json!({ "n": 1 }));
        drop(ledger);
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.totals("").repeated, 1);
        ledger.reset().unwrap();
        drop(ledger);
        assert_eq!(Ledger::open(&path).unwrap().totals(""), Totals::default());
    }
}
