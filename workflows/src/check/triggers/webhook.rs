//! `webhook` triggers: where they listen, whom they let in, what they answer.

use std::time::Duration;

use crate::check::fields::Fields;
use crate::check::references::undeclared_secret;
use crate::check::{Facts, Finding, Report, attempts, values};
use crate::source::Span;
use crate::tree::{Entry, Kind, Node, Places};
use crate::{Respond, Signature, SignatureScheme, WebhookAuth, WebhookTrigger};

pub(crate) const ENDPOINT_MAX: usize = 200;
/// `key` and `path` are how the replaced system called the endpoint.
pub(crate) const FIELDS: [&str; 9] =
    ["endpoint", "key", "path", "auth", "signature", "respond", "respond_timeout", "methods", "max_body"];
pub(crate) const SIGNATURE_FIELDS: [&str; 6] = ["scheme", "secret", "header", "prefix", "tolerance", "verify_token"];
pub(crate) const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const RESPOND_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const RESPOND_TIMEOUT_MAX: Duration = Duration::from_mins(1);
const TOLERANCE_DEFAULT: Duration = Duration::from_mins(5);
/// Bytes.
const BODY_DEFAULT: usize = 512 * 1024;
pub(crate) const BODY_MAX: u32 = 5 * 1024 * 1024;

pub(super) fn read(
    config: Option<&Node>,
    workflow: &str,
    facts: &Facts<'_>,
    report: &mut Report,
) -> Option<WebhookTrigger> {
    let entries = config.and_then(Node::as_map).unwrap_or_default();
    let named = |key: &str| entries.iter().find(|entry| entry.key == key);
    let mut written = ["endpoint", "key", "path"].into_iter().filter_map(named);
    let endpoint = match written.next() {
        Some(entry) => endpoint(entry, report)?,
        None => workflow.to_owned(),
    };
    for other in written {
        report.add(
            Finding::warning("W202", other.key_span, format!("`{}` is another name for `endpoint`", other.key))
                .label("only `endpoint` counts"),
        );
    }
    let field = |key: &str| config.and_then(|config| config.field(key));
    let auth = auth(config, facts, report);
    let respond = respond(field("respond"), field("respond_timeout"), facts, report);
    let methods = field("methods").map_or(vec!["POST".to_owned()], |node| methods(node, report));
    let max_body = field("max_body").and_then(|node| values::count("max_body", node, BODY_MAX, report));
    let max_body = max_body.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(BODY_DEFAULT);
    Some(WebhookTrigger { endpoint, auth: auth?, respond: respond?, methods, max_body })
}

fn auth(config: Option<&Node>, facts: &Facts<'_>, report: &mut Report) -> Option<WebhookAuth> {
    let written = config.and_then(|config| config.field("auth"));
    let signature = config.and_then(|config| config.field("signature"));
    let word = match written {
        Some(node) => values::word("auth", node, &["api_key", "signature", "none"], report)?,
        None if signature.is_some() => "signature",
        None => "api_key",
    };
    match (word, signature) {
        ("signature", Some(node)) => self::signature(node, facts, report).map(WebhookAuth::Signature),
        ("signature", None) => {
            let span = written.map(|node| node.span)?;
            report.add(
                Finding::error("E103", span, "`config.signature` is missing")
                    .label("which scheme, and which secret?")
                    .help("\"signature\": { \"scheme\": \"hmac-sha256\", \"secret\": \"{{ secrets.SHOP_WEBHOOK }}\" }"),
            );
            None
        }
        (_, Some(node)) => {
            report.add(
                Finding::error("E105", node.span, format!("`signature` is not looked at with `auth: {word}`"))
                    .label("write `auth: signature`"),
            );
            None
        }
        ("none", None) => Some(WebhookAuth::None),
        (_, None) => Some(WebhookAuth::ApiKey),
    }
}

fn signature(node: &Node, facts: &Facts<'_>, report: &mut Report) -> Option<Signature> {
    let Some(entries) = node.as_map() else {
        report.add(values::wrong_kind("signature", node, "a map"));
        return None;
    };
    Fields { place: "in `signature`", known: &SIGNATURE_FIELDS }.check(entries, facts, report, |_| None);
    let text = |field: &str, report: &mut Report| {
        let node = node.field(field)?;
        values::text(field, node, report).map(str::to_owned)
    };
    let (header, prefix) = (text("header", report), text("prefix", report));
    let tolerance = node.field("tolerance").and_then(|node| attempts::positive("tolerance", node, report));
    let Some(scheme_node) = node.field("scheme") else {
        report.add(Finding::error("E103", node.span, "`signature.scheme` is missing").label("how is it signed?"));
        return None;
    };
    let scheme = values::word("scheme", scheme_node, &SignatureScheme::WORDS, report)?;
    let Some(secret) = node.field("secret") else {
        report.add(
            Finding::error("E103", node.span, "`signature.secret` is missing")
                .label("with which secret?")
                .help("\"secret\": \"{{ secrets.SHOP_WEBHOOK }}\""),
        );
        return None;
    };
    let secret = secret_name("secret", secret, facts, report);
    let verify_token = node.field("verify_token").map(|token| secret_name("verify_token", token, facts, report));
    Some(Signature {
        scheme: SignatureScheme::parse(scheme)?,
        secret: secret?,
        header,
        prefix,
        tolerance: tolerance.unwrap_or(TOLERANCE_DEFAULT),
        verify_token: verify_token.flatten(),
    })
}

/// `{{ secrets.NAME }}` and nothing else: the value must not stand in the document.
fn secret_name(field: &str, node: &Node, facts: &Facts<'_>, report: &mut Report) -> Option<String> {
    let text = values::text(field, node, report)?;
    let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let Some(name) = inner.and_then(|inner| inner.strip_prefix("secrets.")).filter(is_name) else {
        report.add(
            Finding::error("E105", node.span, format!("`{field}` must name a secret"))
                .label("a value in the document could be read by everybody")
                .help("\"{{ secrets.SHOP_WEBHOOK }}\", and `onward secrets set SHOP_WEBHOOK`"),
        );
        return None;
    };
    if !facts.secrets.iter().any(|secret| secret == name) {
        let places = Places::of(node, &facts.source.text);
        let start = text.find("secrets.").map_or(0, |start| start + "secrets.".len());
        let span = Span::new(places.offset(start), places.offset(start + name.len()));
        let finding = undeclared_secret(name, span, facts, report);
        report.add(finding);
    }
    Some(name.to_owned())
}

fn respond(node: Option<&Node>, timeout: Option<&Node>, facts: &Facts<'_>, report: &mut Report) -> Option<Respond> {
    let time = timeout.and_then(|node| {
        let time = attempts::positive("respond_timeout", node, report)?;
        if time > RESPOND_TIMEOUT_MAX {
            report.add(
                Finding::error("E115", node.span, "`respond_timeout` is longer than 60 seconds")
                    .label("callers give up sooner")
                    .help("with `respond: accepted` the caller gets the run's address and asks later"),
            );
        }
        Some(time)
    });
    let respond = match node {
        None => Respond::Accepted,
        Some(node) => match &node.kind {
            Kind::Map(entries) => fixed(node, entries, facts, report)?,
            Kind::Text(_) => match values::word("respond", node, &["accepted", "result"], report)? {
                "result" => Respond::Result(time.unwrap_or(RESPOND_TIMEOUT_DEFAULT)),
                _ => Respond::Accepted,
            },
            _ => {
                report.add(values::wrong_kind("respond", node, "\"accepted\", \"result\" or a map"));
                return None;
            }
        },
    };
    if let (Some(timeout), false) = (timeout, matches!(respond, Respond::Result(_))) {
        report.add(
            Finding::warning("W102", timeout.span, "`respond_timeout` has no effect here")
                .label("only `respond: result` waits"),
        );
    }
    Some(respond)
}

fn fixed(node: &Node, entries: &[Entry], facts: &Facts<'_>, report: &mut Report) -> Option<Respond> {
    Fields { place: "in `respond`", known: &["status", "body", "headers"] }.check(entries, facts, report, |_| None);
    let status = match node.field("status") {
        None => 200,
        Some(node) => values::count("status", node, 599, report).filter(|status| *status >= 200)?,
    };
    let mut headers = Vec::new();
    for entry in node.field("headers").and_then(Node::as_map).unwrap_or_default() {
        if let Some(value) = values::text(&format!("headers.{}", entry.key), &entry.value, report) {
            headers.push((entry.key.clone(), value.to_owned()));
        }
    }
    let body = node.field("body").map(Node::to_value).unwrap_or_default();
    Some(Respond::Fixed { status: u16::try_from(status).ok()?, body, headers })
}

fn methods(node: &Node, report: &mut Report) -> Vec<String> {
    let items = match &node.kind {
        Kind::Text(_) => std::slice::from_ref(node),
        _ => values::list("methods", node, report).unwrap_or_default(),
    };
    items.iter().filter_map(|item| values::word("methods", item, &METHODS, report)).map(str::to_owned).collect()
}

fn endpoint(entry: &Entry, report: &mut Report) -> Option<String> {
    let written = values::short_text(&entry.key, &entry.value, ENDPOINT_MAX, report)?;
    let endpoint = written.trim_matches('/');
    let is_valid = !endpoint.is_empty()
        && endpoint.split('/').all(|part| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~'))
        });
    if !is_valid {
        report.add(
            Finding::error("E112", entry.value.span, format!("`{written}` cannot be an endpoint"))
                .label("letters, digits, `_`, `-`, `.` and `~`, with `/` between parts"),
        );
        return None;
    }
    Some(endpoint.to_owned())
}
