//! `email.send`, by both ways.

use std::time::Duration;

use onward_steps::{Backing, File};
use onward_testkit::standin::MailServer;
use onward_workflows::{ErrorKind, Outcome};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::stand::Stand;

const TYPE: &str = "email.send";

async fn with_server() -> (Stand, MailServer) {
    let mut stand = Stand::start().await;
    let server = MailServer::start().await.unwrap();
    let url = format!("smtp://{}/?tls=none", server.address());
    stand.secrets.insert("SMTP_URL".to_owned(), SecretString::from(url));
    (stand, server)
}

fn letter(to: &str) -> Value {
    json!({ "to": to, "subject": "הזמנה 7 התקבלה", "text": "Hello {{name}}", "data": { "name": "Dana" } })
}

#[tokio::test]
async fn a_mail_is_handed_to_the_server() {
    let (stand, server) = with_server().await;
    let kept = File {
        name: "visa.pdf".to_owned(),
        media_type: "application/pdf".to_owned(),
        bytes: b"%PDF-1.7\n\xff".to_vec(),
    };
    let url = stand.alone.keep(kept).await.unwrap().url;
    let config = json!({
        "to": ["Dana <dana@mail.test>", "bi@mail.test"], "subject": "הזמנה 7 התקבלה", "template": "order-received",
        "data": { "name": "<b>" }, "reply_to": "help@mail.test", "attachments": [url],
    });
    let output = stand.done(TYPE, config).await;
    let mail = &server.mails()[0];
    assert_eq!(
        (mail.from.as_str(), &mail.to[..]),
        ("no-reply@mail.test", &["dana@mail.test".to_owned(), "bi@mail.test".to_owned()][..])
    );
    let id = output["message_id"].as_str().unwrap();
    for line in [
        &format!("Message-ID: {id}"),
        "Auto-Submitted: auto-generated",
        "Reply-To: help@mail.test",
        "Subject: =?utf-8?b?",
    ] {
        assert!(mail.text.contains(line), "{line} is not in\n{}", mail.text);
    }
    assert!(mail.text.contains("filename=\"visa.pdf\"") && mail.text.contains("JVBERi0xLjcK/w=="), "{}", mail.text);
    let again = stand.done(TYPE, letter("dana@mail.test")).await;
    assert_eq!(again["message_id"], output["message_id"], "every attempt of a step has the same");
}

#[tokio::test]
async fn the_servers_word_decides() {
    let (stand, server) = with_server().await;
    let refused = stand.failed(TYPE, letter("reject@mail.test")).await;
    assert_eq!((refused.code.as_deref(), refused.retryable), (Some("smtp_550"), false), "{refused:?}");
    let later = stand.failed(TYPE, letter("later@mail.test")).await;
    assert_eq!((later.code.as_deref(), later.retryable), (Some("smtp_451"), true), "{later:?}");
    stand.done(TYPE, letter("later@mail.test")).await;
    server.swallow_next_answer();
    stand.ambiguous(TYPE, letter("dana@mail.test"), Duration::from_millis(500)).await;
    assert_eq!(server.mails().len(), 2, "the one without an answer was taken all the same");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let mut stand = Stand::start().await;
    stand.secrets.insert("SMTP_URL".to_owned(), SecretString::from("smtp://127.0.0.1:1/?tls=none"));
    let error = stand.failed(TYPE, letter("dana@mail.test")).await;
    assert!(error.retryable && error.kind == ErrorKind::Network, "{error:?}");
    stand.secrets.insert("SMTP_URL".to_owned(), SecretString::from("http://hush:hush@mail.test"));
    let error = stand.failed(TYPE, letter("dana@mail.test")).await;
    assert!(!error.retryable && !error.message.contains("hush"), "{error:?}");
}

#[tokio::test]
async fn resend_sends_once_whatever_happens_to_the_answer() {
    let stand = Stand::start().await;
    let config = letter("dana@mail.test");
    for fault in ["reset", "cut", "garbled", "500", "drop", "429"] {
        stand.standin.services().fail("/resend", &[("fault", fault)], 1);
        let outcome = stand.run(TYPE, &config, "run/mail", Duration::from_secs(5)).await;
        assert!(matches!(&outcome, Outcome::Failed(error) if error.retryable), "{fault}: {outcome:?}");
    }
    let outcome = stand.run(TYPE, &config, "run/mail", Duration::from_secs(5)).await;
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let mails = stand.standin.services().resend.mails.clone();
    assert_eq!((mails.len(), mails[0]["text"].as_str()), (1, Some("Hello Dana")));
    let other = stand.run(TYPE, &letter("bi@mail.test"), "run/mail", Duration::from_secs(5)).await;
    assert!(matches!(&other, Outcome::Failed(error) if error.code.as_deref() == Some("invalid_idempotent_request")));
}

#[tokio::test]
async fn a_letter_that_cannot_be_written_names_its_field() {
    let (stand, server) = with_server().await;
    let check = async |field: &str, value: Value, says: &str| {
        let mut config = letter("dana@mail.test");
        config[field] = value;
        let error = stand.failed(TYPE, config).await;
        assert!(error.kind == ErrorKind::Config && error.message.contains(says), "{}", error.message);
    };
    check("to", json!("dana"), "`to` must be an address").await;
    check("to", json!("דנה@mail.test"), "`to`").await;
    check("to", json!([]), "`to` must be one to 50").await;
    check("subject", json!("a\r\nBcc: x@mail.test"), "`subject` contains a line break").await;
    check("text", json!("{{#each x}}"), "`text` cannot be used").await;
    check("text", json!("{{nobody}}"), "`nobody` does not exist").await;
    check("template", json!("order-received"), "cannot stand beside").await;
    check("attachments", json!(["http://127.0.0.1:1/x"]), "destination is not allowed").await;
    check("provider", json!("pigeon"), "must be smtp or resend").await;
    assert!(server.mails().is_empty());
}
