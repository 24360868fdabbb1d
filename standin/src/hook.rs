//! What Meta reports about messages: signed posts, out of order, twice, again when they are not taken.

use std::net::SocketAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Shared;

/// Where reports go, and with what they are signed.
#[derive(Debug, Clone)]
pub struct Hook {
    pub address: SocketAddr,
    pub path: String,
    pub app_secret: String,
}

/// How reports come.
#[derive(Debug, Clone)]
pub struct Statuses {
    pub after: Duration,
    /// In this order.
    pub words: Vec<&'static str>,
    /// Each report so often.
    pub times: usize,
}

impl Default for Statuses {
    fn default() -> Self {
        Self { after: Duration::from_millis(20), words: vec!["sent", "delivered", "read"], times: 1 }
    }
}

const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn report(shared: &Shared, wamid: &str, to: &str, callback: Option<&str>) {
    let (hook, statuses, number) = {
        let services = shared.services();
        let graph = &services.graph;
        let Some(hook) = graph.hook.clone() else { return };
        (hook, graph.statuses.clone(), graph.phone_number_id.clone())
    };
    let bodies: Vec<String> = statuses.words.iter().map(|word| body(word, wamid, to, &number, callback)).collect();
    tokio::spawn(async move {
        for body in bodies {
            tokio::time::sleep(statuses.after).await;
            for _ in 0..statuses.times {
                deliver(&hook, &body).await;
            }
        }
    });
}

fn body(word: &str, wamid: &str, to: &str, number: &str, callback: Option<&str>) -> String {
    let mut status = json!({ "id": wamid, "status": word, "timestamp": now(), "recipient_id": to });
    if let Some(callback) = callback {
        status["biz_opaque_callback_data"] = json!(callback);
    }
    if word == "failed" {
        status["errors"] = json!([{ "code": 131_026, "title": "invented", "message": "Message undeliverable" }]);
    } else if word == "sent" {
        status["pricing"] =
            json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility" });
    }
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": { "display_phone_number": "15550000001", "phone_number_id": number },
        "contacts": [{ "profile": { "name": "דנה" }, "wa_id": to }],
        "statuses": [status],
    });
    escaped(
        &json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1000000001", "changes": [{ "field": "messages", "value": value }] }] }),
    )
}

/// Seconds since 1970, as text.
#[expect(clippy::disallowed_methods, reason = "it plays another company, which has a clock of its own")]
fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_secs().to_string()
}

/// As Meta writes it: ASCII only, and that is what is signed.
fn escaped(value: &Value) -> String {
    let mut text = String::new();
    for unit in value.to_string().encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => text.push(char::from(byte)),
            _ => {
                text.push_str("\\u");
                text.push_str(&hex(&unit.to_be_bytes()));
            }
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("half a byte is a digit");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Until somebody takes it.
async fn deliver(hook: &Hook, body: &str) {
    for _ in 0..TRIES {
        if post(hook, body).await.is_ok_and(|status| status == 200) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn post(hook: &Hook, body: &str) -> std::io::Result<u16> {
    let mut mac = Hmac::<Sha256>::new_from_slice(hook.app_secret.as_bytes()).expect("any length is a key");
    mac.update(body.as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let mut stream = TcpStream::connect(hook.address).await?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nUser-Agent: facebookexternalua\r\n\
         X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        hook.path,
        hook.address,
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default())
}
