//! Talking to Chromium through the two pipes it offers: one JSON text each, ended by a NUL.

use std::os::fd::OwnedFd;

use onward_workflows::{ErrorKind, StepError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::{Receiver, Sender};

const MESSAGE_MAX: usize = 64 << 20;

pub(super) struct Devtools {
    to: Sender,
    from: Receiver,
    buffer: Vec<u8>,
    last_id: u64,
}

impl Devtools {
    pub(super) fn new(to: OwnedFd, from: OwnedFd) -> std::io::Result<Self> {
        let (to, from) = (Sender::from_owned_fd(to)?, Receiver::from_owned_fd(from)?);
        Ok(Self { to, from, buffer: Vec::new(), last_id: 0 })
    }

    /// Asks for something and waits for the answer to it.
    pub(super) async fn ask(&mut self, session: Option<&str>, method: &str, params: Value) -> Result<Value, StepError> {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).await.map_err(|error| gone(&error.to_string()))?;
        loop {
            let mut answer = self.next().await?;
            if answer["id"] != id {
                continue;
            }
            if let Some(error) = answer.get("error") {
                return Err(gone(&format!("{method}: {}", error["message"].as_str().unwrap_or("refused"))));
            }
            return Ok(answer["result"].take());
        }
    }

    async fn next(&mut self) -> Result<Value, StepError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|byte| *byte == 0) {
                let rest = self.buffer.split_off(searched + end + 1);
                let message = std::mem::replace(&mut self.buffer, rest);
                return serde_json::from_slice(&message[..message.len() - 1]).map_err(|error| gone(&error.to_string()));
            }
            searched = self.buffer.len();
            if searched > MESSAGE_MAX {
                return Err(gone("it says too much"));
            }
            let read = self.from.read_buf(&mut self.buffer).await.map_err(|error| gone(&error.to_string()))?;
            if read == 0 {
                return Err(gone("it has ended"));
            }
        }
    }
}

fn gone(why: &str) -> StepError {
    StepError::new(ErrorKind::Internal, format!("Chromium could not render: {why}")).retryable()
}
