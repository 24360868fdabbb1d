//! Services that `onward dev` plays itself, until they are wanted for real.

use std::net::Ipv4Addr;

use anyhow::Context;
use onward_engine::{Engine, SetSecret, list_secrets, load_secrets, set_secret};
use onward_standin::{Hook, MailServer, StandIn};
use onward_steps::Mapped;
use secrecy::{ExposeSecret, SecretString};

use crate::failure::{Exit, Failure};
use crate::settings::Settings;

/// Who sets the secrets of services that are played.
const BY: &str = "onward dev";
const BASE: &str = "appFAKE0000000001";
const NUMBER: &str = "2000000001";
const ACCOUNT: &str = "1000000001";
const SENDER: &str = "Onward <onward@mail.test>";
const APP_SECRET: &str = "WHATSAPP_APP_SECRET";

/// One service: its word, its names on the network, the secrets with which steps reach it.
struct Service {
    word: &'static str,
    hosts: &'static [&'static str],
    secrets: &'static [(&'static str, &'static str)],
}

const SERVICES: [Service; 6] = [
    // Whatever the examples order, pay and ship.
    Service { word: "shop", hosts: &["shop.test", "shop.example.test", "pay.example.test"], secrets: &[] },
    Service { word: "airtable", hosts: &["api.airtable.com"], secrets: &[("AIRTABLE_TOKEN", "patFAKE.0000")] },
    Service { word: "cbb", hosts: &["app.chatgptbuilder.io"], secrets: &[("CBB_TOKEN", "1000.fake")] },
    Service {
        word: "whatsapp",
        hosts: &["graph.facebook.com"],
        secrets: &[
            ("WHATSAPP_TOKEN", "EAAFAKE"),
            (APP_SECRET, "demo-app-secret"),
            ("WHATSAPP_VERIFY_TOKEN", "demo-verify-token"),
        ],
    },
    Service { word: "slack", hosts: &["slack.com"], secrets: &[("SLACK_BOT_TOKEN", "xoxb-fake")] },
    Service { word: "email", hosts: &["api.resend.com"], secrets: &[("RESEND_API_KEY", "re_fake")] },
];

/// What is running, for as long as it is held.
pub struct Simulated {
    _services: StandIn,
    pub words: Vec<&'static str>,
}

pub fn check(live: &[String]) -> Result<(), Failure> {
    let known: Vec<_> = SERVICES.iter().map(|service| service.word).collect();
    match live.iter().find(|word| *word != "all" && !known.contains(&word.as_str())) {
        None => Ok(()),
        Some(word) => {
            let text = format!("--live: there is no service `{word}`; there are {}, and all", known.join(", "));
            Err(Failure::new(Exit::Usage, text))
        }
    }
}

/// Starts what is not live, sends its names there, and sets the secrets that nobody has set.
pub async fn simulate(engine: &Engine, settings: &mut Settings, live: &[String]) -> anyhow::Result<Option<Simulated>> {
    let is_live = |word: &str| live.iter().any(|wanted| wanted == word || wanted == "all");
    let played: Vec<&Service> = SERVICES.iter().filter(|service| !is_live(service.word)).collect();
    if played.is_empty() {
        return Ok(None);
    }
    let standin = StandIn::start().await.context("start the simulated services")?;
    let mapped = Mapped { address: standin.address(), plain: true };
    for host in played.iter().flat_map(|service| service.hosts) {
        if !settings.http_hosts.iter().any(|(known, _)| known == host) {
            settings.http_hosts.push(((*host).to_owned(), mapped));
        }
    }
    let known = list_secrets(engine).await?;
    let is_free = |name: &str| known.iter().all(|secret| secret.name != name || secret.updated_by == BY);
    for (name, value) in played.iter().flat_map(|service| service.secrets) {
        if is_free(name) {
            set(engine, name, value).await?;
        }
    }
    if !is_live("email") && is_free("SMTP_URL") {
        let mail = MailServer::start().await.context("start the simulated mail server")?;
        set(engine, "SMTP_URL", &format!("smtp://{}/?tls=none", mail.address())).await?;
    }
    let services = &mut settings.services;
    services.airtable_base.get_or_insert_with(|| BASE.to_owned());
    services.whatsapp_phone_number_id.get_or_insert_with(|| NUMBER.to_owned());
    services.whatsapp_account_id.get_or_insert_with(|| ACCOUNT.to_owned());
    services.email_from.get_or_insert_with(|| SENDER.to_owned());
    play(engine, settings, &standin).await?;
    Ok(Some(Simulated { _services: standin, words: played.iter().map(|service| service.word).collect() }))
}

/// What the services have to know: the tokens that steps show, and where reports about messages go.
async fn play(engine: &Engine, settings: &Settings, standin: &StandIn) -> anyhow::Result<()> {
    let names: Vec<String> =
        SERVICES.iter().flat_map(|service| service.secrets).map(|(name, _)| (*name).to_owned()).collect();
    let secrets = load_secrets(engine, &[], &names).await?;
    let value = |name: &str| secrets.get(name).map(|value| value.expose_secret().to_owned()).unwrap_or_default();
    let mut address = settings.listen;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let mut services = standin.services();
    services.airtable.token = value("AIRTABLE_TOKEN");
    services.cbb.token = value("CBB_TOKEN");
    services.slack.token = value("SLACK_BOT_TOKEN");
    services.resend.key = value("RESEND_API_KEY");
    services.graph.token = value("WHATSAPP_TOKEN");
    services.graph.hook =
        Some(Hook { address, path: "/api/v1/webhooks/whatsapp".to_owned(), app_secret: value(APP_SECRET) });
    if let Some(base) = &settings.services.airtable_base {
        services.airtable.base.clone_from(base);
    }
    if let Some(number) = &settings.services.whatsapp_phone_number_id {
        services.graph.phone_number_id.clone_from(number);
    }
    if let Some(account) = &settings.services.whatsapp_account_id {
        services.graph.account_id.clone_from(account);
    }
    Ok(())
}

async fn set(engine: &Engine, name: &str, value: &str) -> anyhow::Result<()> {
    let secret = SetSecret { name: name.to_owned(), value: SecretString::from(value), by: BY.to_owned() };
    set_secret(engine, secret).await.with_context(|| format!("set the secret {name}"))?;
    Ok(())
}
