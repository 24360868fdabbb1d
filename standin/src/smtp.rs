//! A mail server that takes everything and delivers nothing, and is rude to some recipients.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Head and body as they came.
    pub text: String,
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<Mail>,
    /// The next mail is taken, and nobody is told.
    swallow: bool,
    /// Recipients whose first try was put off.
    put_off: Vec<String>,
}

/// `reject@…` is refused for ever, `later@…` for the first time.
#[derive(Debug, Clone)]
pub struct MailServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl MailServer {
    /// On a free port of the loopback interface, for as long as the runtime lives.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = Self { address: listener.local_addr()?, state: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move {
                    // The other side may leave whenever it likes.
                    let _ = serving.converse(stream).await;
                });
            }
        });
        Ok(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.state.lock().expect("no code panics while it holds this lock").mails.clone()
    }

    pub fn swallow_next_answer(&self) {
        self.state.lock().expect("no code panics while it holds this lock").swallow = true;
    }

    async fn converse(&self, stream: TcpStream) -> std::io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 mail.test at your service\r\n").await?;
        let (mut from, mut to) = (String::new(), Vec::new());
        while let Some(line) = lines.next_line().await? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let reply = match verb.as_str() {
                "EHLO" => "250-mail.test\r\n250 8BITMIME",
                "MAIL" => {
                    from = address(&line);
                    "250 fine"
                }
                "RCPT" => self.recipient(address(&line), &mut to),
                "DATA" if to.is_empty() => "503 nobody to send it to",
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").await?;
                    let mut text = String::new();
                    while let Some(line) = lines.next_line().await? {
                        if line == "." {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push('\n');
                    }
                    let swallowed =
                        self.take(Mail { from: std::mem::take(&mut from), to: std::mem::take(&mut to), text });
                    if swallowed {
                        std::future::pending::<()>().await;
                    }
                    "250 taken"
                }
                "QUIT" => {
                    writer.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                "RSET" | "NOOP" | "HELO" => "250 fine",
                _ => "502 what?",
            };
            writer.write_all(reply.as_bytes()).await?;
            writer.write_all(b"\r\n").await?;
        }
        Ok(())
    }

    fn recipient(&self, recipient: String, to: &mut Vec<String>) -> &'static str {
        if recipient.starts_with("reject@") {
            return "550 there is no such person here";
        }
        let mut state = self.state.lock().expect("no code panics while it holds this lock");
        if recipient.starts_with("later@") && !state.put_off.contains(&recipient) {
            state.put_off.push(recipient);
            return "451 not now";
        }
        to.push(recipient);
        "250 fine"
    }

    fn take(&self, mail: Mail) -> bool {
        let mut state = self.state.lock().expect("no code panics while it holds this lock");
        state.mails.push(mail);
        std::mem::take(&mut state.swallow)
    }
}

fn address(line: &str) -> String {
    let begin = line.find('<').map_or(0, |begin| begin + 1);
    line[begin..].split('>').next().unwrap_or_default().to_owned()
}
