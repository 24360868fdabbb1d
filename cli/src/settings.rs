//! Settings, read once: flags before the environment before `onward.toml` before defaults. This is the only place that
//! reads the environment, and it reports everything that is wrong together.

mod layers;
mod services;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;

use onward_steps::{Mapped, Services};
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::arguments::SettingFlags;
use crate::failure::{Exit, Failure};

use layers::{FILE, Layers};

const PUBLIC: &str = "ONWARD_PUBLIC_";

#[derive(Clone)]
pub struct Settings {
    pub database_url: Option<SecretString>,
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub log: Option<String>,
    /// `None`: all.
    pub queues: Option<Vec<String>>,
    /// What its worker carries out; `None`: all.
    pub step_types: Option<Vec<String>>,
    pub seats: usize,
    pub keyring: Option<PathBuf>,
    /// Seals secrets; 32 bytes in base64.
    pub secrets_key: Option<SecretString>,
    pub http_hosts: Vec<(String, Mapped)>,
    pub allow_http_hosts: bool,
    pub services: Services,
    /// What documents read as `env`.
    pub public: Value,
    pub server: Option<String>,
    pub key: Option<SecretString>,
    pub json: bool,
    pub plain: bool,
    /// What is allowed and perhaps not meant; said where a database is opened.
    pub doubts: Vec<String>,
}

/// Never shows a secret.
impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<SecretString>| secret.as_ref().map(|_| "(hidden)");
        out.debug_struct("Settings")
            .field("database_url", &hidden(&self.database_url))
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .field("log", &self.log)
            .field("queues", &self.queues)
            .field("step_types", &self.step_types)
            .field("seats", &self.seats)
            .field("keyring", &self.keyring)
            .field("secrets_key", &hidden(&self.secrets_key))
            .field("http_hosts", &self.http_hosts)
            .field("allow_http_hosts", &self.allow_http_hosts)
            .field("services", &self.services)
            .field("public", &self.public)
            .field("server", &self.server)
            .field("key", &hidden(&self.key))
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub fn read(flags: &SettingFlags) -> Result<Self, Failure> {
        let file = match std::fs::read_to_string(FILE) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::new(Exit::Usage, format!("{FILE} cannot be read: {error}"))),
        };
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self::from_layers(flags, &environment, file.as_deref()).map_err(|problems| {
            let list: String = problems.iter().map(|problem| format!("\n  {problem}")).collect::<Vec<_>>().concat();
            let noun = if problems.len() == 1 { "a setting is" } else { "settings are" };
            Failure::new(Exit::Usage, format!("{noun} wrong:{list}"))
        })
    }

    fn from_layers(
        flags: &SettingFlags,
        environment: &BTreeMap<String, String>,
        file: Option<&str>,
    ) -> Result<Self, Vec<String>> {
        let mut layers = Layers::new(flag_values(flags), environment, file);
        let settings = Self {
            database_url: layers.text("database_url").map(|(url, from)| {
                if onward_engine::database::parse_url(&url).is_err() {
                    layers.problems.push(format!("{from}: not a Postgres URL (postgres://user@host/database)"));
                }
                SecretString::from(url)
            }),
            data_dir: layers.text("data_dir").map_or_else(|| PathBuf::from(".onward"), |(dir, _)| PathBuf::from(dir)),
            listen: layers
                .parsed("listen", "an address and a port, e.g. 127.0.0.1:7333")
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 7333))),
            log: layers.text("log").map(|(filter, from)| {
                if let Err(error) = filter.parse::<tracing_subscriber::EnvFilter>() {
                    layers.problems.push(format!("{from}: {error}"));
                }
                filter
            }),
            queues: layers.queues(),
            step_types: layers.step_types(),
            seats: layers.seats(),
            keyring: layers.text("keyring").map(|(file, _)| PathBuf::from(file)),
            secrets_key: layers.text("secrets_key").map(|(key, from)| {
                if let Err(error) = key.parse::<onward_engine::SecretsKey>() {
                    layers.problems.push(format!("{from}: {error}"));
                }
                SecretString::from(key)
            }),
            http_hosts: layers.http_hosts(),
            allow_http_hosts: layers.flag("allow_http_hosts"),
            services: services::read(&mut layers),
            public: public(environment),
            server: layers.text("server").map(|(url, from)| {
                if !url.starts_with("http://") && !url.starts_with("https://") {
                    layers.problems.push(format!("{from}: `{url}` does not begin with http:// or https://"));
                }
                url.trim_end_matches('/').to_owned()
            }),
            key: layers.text("key").map(|(key, _)| SecretString::from(key)),
            json: flags.json,
            plain: flags.plain || environment.contains_key("NO_COLOR") || environment.contains_key("CI"),
            doubts: layers.doubts(),
        };
        if layers.problems.is_empty() { Ok(settings) } else { Err(layers.problems) }
    }

    /// For a process of one's own: people reach it where it listens, unless somebody has said otherwise.
    pub fn name_address(&mut self) {
        if let Some(public) = self.public.as_object_mut() {
            let address = format!("http://{}", self.listen);
            public.entry(format!("{PUBLIC}URL")).or_insert(Value::String(address));
        }
    }

    /// For the long-running processes: names that lead around the address guard have to be allowed expressly.
    pub fn refuse_http_hosts(&self) -> Result<(), Failure> {
        if self.http_hosts.is_empty() || self.allow_http_hosts {
            return Ok(());
        }
        let text = "ONWARD_HTTP_HOSTS is for development and tests; say --allow-http-hosts if you mean it here";
        Err(Failure::new(Exit::Usage, text))
    }
}

fn flag_values(flags: &SettingFlags) -> BTreeMap<&'static str, String> {
    let given = [
        ("database_url", &flags.database_url),
        ("data_dir", &flags.data_dir),
        ("listen", &flags.listen),
        ("log", &flags.log),
        ("queues", &flags.queues),
        ("step_types", &flags.step_types),
        ("seats", &flags.seats),
        ("keyring", &flags.keyring),
        ("http_hosts", &flags.http_hosts),
        ("server", &flags.server),
        ("key", &flags.key),
    ];
    let mut values: BTreeMap<_, _> =
        given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    if flags.allow_http_hosts {
        values.insert("allow_http_hosts", "true".to_owned());
    }
    values
}

fn public(environment: &BTreeMap<String, String>) -> Value {
    let shown = environment.iter().filter(|(name, _)| name.starts_with(PUBLIC));
    Value::Object(shown.map(|(name, value)| (name.clone(), Value::String(value.clone()))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(flags: &SettingFlags, environment: &[(&str, &str)], file: &str) -> Result<Settings, Vec<String>> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::from_layers(flags, &environment, Some(file))
    }

    #[test]
    fn flags_come_before_the_environment_before_the_file_before_defaults() {
        let flags = SettingFlags { seats: Some("3".to_owned()), ..SettingFlags::default() };
        let environment = [("ONWARD_SEATS", "4"), ("ONWARD_LISTEN", "127.0.0.1:1")];
        let settings = read(&flags, &environment, "seats = 5\nlisten = '127.0.0.1:2'\ndata_dir = 'there'").unwrap();
        assert_eq!((settings.seats, settings.listen.port()), (3, 1));
        assert_eq!(settings.data_dir, PathBuf::from("there"));
        assert_eq!(read(&SettingFlags::default(), &[], "").unwrap().seats, 100);
    }

    #[test]
    fn everything_that_is_wrong_is_said_together() {
        let environment = [
            ("ONWARD_SEATS", "many"),
            ("ONWARD_LISTEN", "here"),
            ("ONWARD_HTTP_HOSTS", "shop.test"),
            ("ONWARD_ALLOW_HTTP_HOSTS", "perhaps"),
            ("ONWARD_SERVER", "localhost"),
            ("ONWARD_SECRETS_KEY", "c2hvcnQ="),
            ("DATABASE_URL", "mysql://x"),
        ];
        let problems = read(&SettingFlags::default(), &environment, "seets = 5").unwrap_err();
        assert_eq!(problems.len(), 8, "{problems:#?}");
        assert!(problems.iter().any(|problem| problem.contains("did you mean `seats`?")), "{problems:#?}");
    }

    #[test]
    fn a_data_folder_beside_a_database_is_doubted() {
        let both = [("DATABASE_URL", "postgres://u@h/d"), ("ONWARD_DATA_DIR", "there")];
        let doubts = |environment| read(&SettingFlags::default(), environment, "").unwrap().doubts;
        assert_eq!(doubts(&both), ["DATABASE_URL is used; a private Postgres in there (ONWARD_DATA_DIR) is not"]);
        assert!(doubts(&both[..1]).is_empty() && doubts(&both[1..]).is_empty());
    }

    #[test]
    fn secrets_are_not_printed() {
        let sealing = "hushhushhushhushhushhushhushhushhushhushhus=";
        let environment =
            [("ONWARD_KEY", "hush"), ("DATABASE_URL", "postgres://u:hush@h/d"), ("ONWARD_SECRETS_KEY", sealing)];
        let settings = read(&SettingFlags::default(), &environment, "").unwrap();
        assert!(!format!("{settings:?}").contains("hush"));
    }

    #[test]
    fn only_public_variables_are_shown_to_documents() {
        let environment = [("ONWARD_PUBLIC_URL", "https://onward.test"), ("ONWARD_KEY", "hush"), ("HOME", "/home")];
        let settings = read(&SettingFlags::default(), &environment, "").unwrap();
        assert_eq!(settings.public, serde_json::json!({ "ONWARD_PUBLIC_URL": "https://onward.test" }));
    }
}
