//! A mail through an SMTP server, on a connection of its own: what it may have delivered is known exactly then.

use std::future::Future;
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Message, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use onward_workflows::{ErrorKind, Outcome, StepError};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::letter::Letter;
use crate::config::Problem;

const CONNECT_MAX: Duration = Duration::from_secs(10);
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// `smtps://` is encrypted from the first byte, `smtp://` from the server's offer on; `?tls=none` is for a server on
/// this machine.
struct Server {
    host: String,
    port: u16,
    implicit_tls: bool,
    starttls: bool,
    credentials: Option<Credentials>,
}

impl Server {
    fn parse(url: &str) -> Result<Self, Problem> {
        let wrong = || Problem::new("SMTP_URL", "must be smtps://user:password@host or smtp://user:password@host:587");
        let url = Url::parse(url.trim()).map_err(|_| wrong())?;
        let implicit_tls = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(wrong()),
        };
        let host = url.host_str().ok_or_else(wrong)?.trim_matches(['[', ']']).to_owned();
        let plain = url.query_pairs().any(|(name, value)| name == "tls" && value == "none");
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let password = url.password().map(decoded);
        let credentials = password.map(|password| Credentials::new(decoded(url.username()), password));
        let port = url.port().unwrap_or(if implicit_tls { 465 } else { 587 });
        Ok(Self { host, port, implicit_tls, starttls: !implicit_tls && !plain, credentials })
    }
}

pub(super) async fn send(url: &str, letter: &Letter, deadline: Instant) -> Result<Value, Outcome> {
    let server = Server::parse(url)?;
    let message = write(letter)?;
    let mut connection = before(deadline, connect(&server)).await?;
    let sent = timeout_at(deadline, connection.send(message.envelope(), &message.formatted())).await;
    let answered = match sent {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(refused_or_lost(&error)),
        Err(_) => Err(lost("was not answered within the attempt's timeout")),
    };
    // The mail is on its way, or it is not; how the conversation ends does not matter.
    let _ = timeout_at(deadline, connection.quit()).await;
    answered?;
    Ok(json!({ "message_id": letter.message_id }))
}

async fn connect(server: &Server) -> Result<AsyncSmtpConnection, Error> {
    let tls = || TlsParameters::new(server.host.clone());
    let hello = ClientId::default();
    let implicit = if server.implicit_tls { Some(tls()?) } else { None };
    let address = (server.host.as_str(), server.port);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT_MAX), &hello, implicit, None).await?;
    if server.starttls {
        connection.starttls(tls()?, &hello).await?;
    }
    if let Some(credentials) = &server.credentials {
        connection.auth(&MECHANISMS, credentials).await?;
    }
    Ok(connection)
}

/// Nothing of the mail has been sent yet.
async fn before<T>(deadline: Instant, work: impl Future<Output = Result<T, Error>>) -> Result<T, Outcome> {
    match timeout_at(deadline, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => {
            let refused = error.is_permanent() || error.is_client();
            let error = StepError::new(ErrorKind::Network, format!("the mail server: {error}"));
            Err(Outcome::Failed(if refused { error } else { error.retryable() }))
        }
        Err(_) => {
            let error =
                StepError::new(ErrorKind::Timeout, "the mail server was not reached within the attempt's timeout");
            Err(Outcome::Failed(error.retryable()))
        }
    }
}

/// A reply of the server is definite, whatever it says; anything else may have come after the mail was taken.
fn refused_or_lost(error: &Error) -> Outcome {
    let text = format!("the mail server: {error}");
    if let Some(code) = error.status() {
        let mut failure = StepError::new(ErrorKind::Http, text);
        failure.code = Some(format!("smtp_{code}"));
        return Outcome::Failed(if error.is_transient() { failure.retryable() } else { failure });
    }
    if error.is_client() {
        return Outcome::Failed(StepError::new(ErrorKind::Config, text));
    }
    lost(&format!("gave no answer: {error}"))
}

fn lost(what: &str) -> Outcome {
    Outcome::Ambiguous(StepError::new(ErrorKind::Ambiguous, format!("the mail server {what}")))
}

fn write(letter: &Letter) -> Result<Message, Problem> {
    let mut builder = Message::builder()
        .from(letter.from.clone())
        .subject(letter.subject.clone())
        .message_id(Some(letter.message_id.clone()))
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
        .date_now();
    for to in &letter.to {
        builder = builder.to(to.clone());
    }
    for cc in &letter.cc {
        builder = builder.cc(cc.clone());
    }
    if let Some(reply_to) = &letter.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    let body = match (&letter.text, &letter.html) {
        (Some(text), Some(html)) => MultiPart::alternative_plain_html(text.clone(), html.clone()),
        (Some(text), None) => MultiPart::mixed().singlepart(SinglePart::plain(text.clone())),
        (None, html) => MultiPart::mixed().singlepart(SinglePart::html(html.clone().unwrap_or_default())),
    };
    let mut parts = MultiPart::mixed().multipart(body);
    for file in &letter.attachments {
        let kind = ContentType::parse(&file.media_type)
            .map_err(|_| Problem::new("attachments", "has a file of an unknown kind"))?;
        parts = parts.singlepart(Attachment::new(file.name.clone()).body(file.bytes.clone(), kind));
    }
    builder.multipart(parts).map_err(|error| Problem::new("to", error.to_string()))
}
