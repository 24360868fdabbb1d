//! Where a setting comes from: each layer has names and texts, and the first layer that has the name counts.

use std::collections::BTreeMap;

use onward_steps::Mapped;

pub(super) const FILE: &str = "onward.toml";
const SEATS: usize = 100;
const SEATS_MAX: usize = 10_000;
/// A name that is further from the known ones than this is no slip of the finger.
const LIKENESS_MIN: f64 = 0.5;

/// Flag and file key, and the variable.
const NAMES: [(&str, &str); 26] = [
    ("database_url", "DATABASE_URL"),
    ("data_dir", "ONWARD_DATA_DIR"),
    ("listen", "ONWARD_LISTEN"),
    ("log", "ONWARD_LOG"),
    ("queues", "ONWARD_QUEUES"),
    ("step_types", "ONWARD_STEP_TYPES"),
    ("seats", "ONWARD_SEATS"),
    ("keyring", "ONWARD_KEYRING"),
    ("secrets_key", "ONWARD_SECRETS_KEY"),
    ("http_hosts", "ONWARD_HTTP_HOSTS"),
    ("allow_http_hosts", "ONWARD_ALLOW_HTTP_HOSTS"),
    ("airtable_url", "ONWARD_AIRTABLE_URL"),
    ("airtable_base", "ONWARD_AIRTABLE_BASE"),
    ("slack_url", "ONWARD_SLACK_URL"),
    ("resend_url", "ONWARD_RESEND_URL"),
    ("email_from", "ONWARD_EMAIL_FROM"),
    ("cbb_url", "ONWARD_CBB_URL"),
    ("cbb_fields", "ONWARD_CBB_FIELDS"),
    ("graph_url", "ONWARD_GRAPH_URL"),
    ("whatsapp_phone_number_id", "ONWARD_WHATSAPP_PHONE_NUMBER_ID"),
    ("whatsapp_account_id", "ONWARD_WHATSAPP_ACCOUNT_ID"),
    ("whatsapp_via", "ONWARD_WHATSAPP_VIA"),
    ("whatsapp_language", "ONWARD_WHATSAPP_LANGUAGE"),
    ("templates", "ONWARD_TEMPLATES"),
    ("server", "ONWARD_SERVER"),
    ("key", "ONWARD_KEY"),
];

pub(super) struct Layers<'a> {
    flags: BTreeMap<&'static str, String>,
    environment: &'a BTreeMap<String, String>,
    file: BTreeMap<String, String>,
    pub problems: Vec<String>,
}

impl<'a> Layers<'a> {
    pub fn new(
        flags: BTreeMap<&'static str, String>,
        environment: &'a BTreeMap<String, String>,
        file: Option<&str>,
    ) -> Self {
        let mut layers = Self { flags, environment, file: BTreeMap::new(), problems: Vec::new() };
        if let Some(text) = file {
            layers.read_file(text);
        }
        layers
    }

    fn read_file(&mut self, text: &str) {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                self.problems.push(format!("{FILE}: {}", error.to_string().trim_end()));
                return;
            }
        };
        for (name, value) in table {
            if !NAMES.iter().any(|(known, _)| *known == name) {
                self.problems.push(format!("{FILE}: unknown setting `{name}`{}", suggestion(&name)));
            } else if let Some(text) = as_text(&value) {
                self.file.insert(name, text);
            } else {
                self.problems
                    .push(format!("{FILE}: {name}: takes a text, a whole number, true or false, or texts in [ ]"));
            }
        }
    }

    /// The value that counts, and where it comes from.
    pub fn text(&self, name: &str) -> Option<(String, String)> {
        let variable = NAMES.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable)?;
        if let Some(value) = self.flags.get(name) {
            return Some((value.clone(), format!("--{}", name.replace('_', "-"))));
        }
        if let Some(value) = self.environment.get(variable).filter(|value| !value.is_empty()) {
            return Some((value.clone(), variable.to_owned()));
        }
        self.file.get(name).map(|value| (value.clone(), format!("{FILE}: {name}")))
    }

    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str, wanted: &str) -> Option<T> {
        let (text, from) = self.text(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.problems.push(format!("{from}: `{text}` is not {wanted}"));
        }
        parsed
    }

    pub fn seats(&mut self) -> usize {
        let Some((text, from)) = self.text("seats") else { return SEATS };
        match text.parse() {
            Ok(seats) if (1..=SEATS_MAX).contains(&seats) => seats,
            _ => {
                self.problems.push(format!("{from}: `{text}` is not a number from 1 to {SEATS_MAX}"));
                SEATS
            }
        }
    }

    /// `None` without the setting, which means all of them.
    fn names(&self, setting: &str) -> Option<(Vec<String>, String)> {
        let (text, from) = self.text(setting)?;
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        Some((names.map(str::to_owned).collect(), from))
    }

    /// An empty list is a worker that carries runs and leaves all work to others.
    pub fn step_types(&mut self) -> Option<Vec<String>> {
        let (names, from) = self.names("step_types")?;
        let known: Vec<&str> = onward_steps::Steps::types().iter().map(|step_type| step_type.name).collect();
        for name in names.iter().filter(|name| !known.contains(&name.as_str())) {
            self.problems.push(format!("{from}: there is no step type `{name}`; there is {}", known.join(", ")));
        }
        Some(names)
    }

    /// An empty list would serve nothing.
    pub fn queues(&mut self) -> Option<Vec<String>> {
        let (queues, from) = self.names("queues")?;
        if queues.is_empty() {
            self.problems.push(format!("{from}: no queue is named; leave it out to serve all"));
        }
        Some(queues)
    }

    pub fn http_hosts(&mut self) -> Vec<(String, Mapped)> {
        let Some((text, from)) = self.text("http_hosts") else { return Vec::new() };
        onward_steps::parse_http_hosts(&text).unwrap_or_else(|error| {
            self.problems.push(format!("{from}: {error}"));
            Vec::new()
        })
    }

    /// Settings that are right alone and odd together.
    pub fn doubts(&self) -> Vec<String> {
        match (self.text("database_url"), self.text("data_dir")) {
            (Some((_, url)), Some((dir, folder))) => {
                vec![format!("{url} is used; a private Postgres in {dir} ({folder}) is not")]
            }
            _ => Vec::new(),
        }
    }

    pub fn flag(&mut self, name: &str) -> bool {
        match self.text(name).map(|(text, from)| (text.to_ascii_lowercase(), from)) {
            None => false,
            Some((text, _)) if ["1", "true", "yes", "on"].contains(&text.as_str()) => true,
            Some((text, _)) if ["0", "false", "no", "off"].contains(&text.as_str()) => false,
            Some((text, from)) => {
                self.problems.push(format!("{from}: `{text}` is neither true nor false"));
                false
            }
        }
    }
}

fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            Some(texts?.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

fn suggestion(name: &str) -> String {
    let likeness = |known: &str| strsim::normalized_levenshtein(name, known);
    let known = NAMES.iter().map(|(known, _)| *known);
    match known.max_by(|left, right| likeness(left).total_cmp(&likeness(right))) {
        Some(near) if likeness(near) >= LIKENESS_MIN => format!("; did you mean `{near}`?"),
        _ => format!("; there are {}", NAMES.map(|(known, _)| known).join(", ")),
    }
}
