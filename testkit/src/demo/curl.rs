//! Calling the API as a stranger would: with curl.

use anyhow::Context;
use serde_json::Value;
use tokio::process::Command;

pub struct Reply {
    pub status: u16,
    pub body: Value,
}

/// One request. `arguments` are curl's own.
pub async fn curl(url: &str, arguments: &[&str]) -> anyhow::Result<Reply> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "10", "--write-out", "\n%{http_code}"])
        .args(arguments)
        .arg(url)
        .output()
        .await
        .context("run curl")?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(output.status.success(), "curl {url}: {}", String::from_utf8_lossy(&output.stderr).trim());
    let (body, status) = text.rsplit_once('\n').context("curl prints the status last")?;
    let body = serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()));
    Ok(Reply { status: status.parse().context("curl prints a status")?, body })
}
