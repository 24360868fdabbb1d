//! A wire between the engine and the server that can lose an answer: the statement is carried out and committed, and then
//! the connection is gone. It also keeps what the server refused.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

type Reading = Box<dyn AsyncRead + Send + Unpin>;
type Writing = Box<dyn AsyncWrite + Send + Unpin>;

pub struct Wire {
    address: SocketAddr,
    options: PgConnectOptions,
    seen: Arc<Seen>,
}

/// Looked at by every connection for a few synchronous lines.
#[derive(Default)]
struct Seen {
    /// A piece of the statement whose answer is to be lost.
    cut: Mutex<Option<String>>,
    refusals: Mutex<Vec<String>>,
}

/// What one connection is doing: the texts of its prepared statements, and the one that was sent last.
#[derive(Default)]
struct Line {
    prepared: HashMap<Vec<u8>, Vec<u8>>,
    current: Vec<u8>,
}

impl Wire {
    pub async fn to(options: PgConnectOptions) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Seen::default());
        let wire = Self { address, options: options.clone(), seen: Arc::clone(&seen) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, options.clone(), Arc::clone(&seen)));
            }
        });
        wire
    }

    pub fn options(&self) -> PgConnectOptions {
        let through = PgConnectOptions::new_without_pgpass()
            .host(&self.address.ip().to_string())
            .port(self.address.port())
            .username(self.options.get_username())
            .ssl_mode(PgSslMode::Disable);
        match self.options.get_database() {
            Some(database) => through.database(database),
            None => through,
        }
    }

    /// The next statement with this piece in its text is carried out, but its answer never comes.
    pub fn lose_answer_to(&self, piece: &str) {
        *self.seen.cut.lock().expect("no panic under this lock") = Some(piece.to_owned());
    }

    pub fn has_lost_it(&self) -> bool {
        self.seen.cut.lock().expect("no panic under this lock").is_none()
    }

    /// How often the server refused something with this code.
    pub fn refusals(&self, code: &str) -> usize {
        self.seen.refusals.lock().expect("no panic under this lock").iter().filter(|seen| *seen == code).count()
    }
}

async fn connect(options: &PgConnectOptions) -> std::io::Result<(Reading, Writing)> {
    if let Some(folder) = options.get_socket() {
        let path = folder.join(format!(".s.PGSQL.{}", options.get_port()));
        let (read, write) = UnixStream::connect(path).await?.into_split();
        return Ok((Box::new(read), Box::new(write)));
    }
    let (read, write) = TcpStream::connect((options.get_host(), options.get_port())).await?.into_split();
    Ok((Box::new(read), Box::new(write)))
}

async fn carry(client: TcpStream, options: PgConnectOptions, seen: Arc<Seen>) {
    let Ok((from_server, to_server)) = connect(&options).await else { return };
    let (from_client, to_client) = client.into_split();
    let line = Arc::new(Mutex::new(Line::default()));
    // Whichever side ends takes the other with it.
    tokio::select! {
        _ = forward(Box::new(from_client), to_server, Arc::clone(&line)) => {}
        _ = answer(from_server, Box::new(to_client), line, seen) => {}
    }
}

async fn forward(mut client: Reading, mut server: Writing, line: Arc<Mutex<Line>>) -> std::io::Result<()> {
    // The first message has no tag.
    let length = client.read_u32().await?;
    let mut body = vec![0; length as usize - 4];
    client.read_exact(&mut body).await?;
    server.write_u32(length).await?;
    server.write_all(&body).await?;
    loop {
        let (tag, body) = read_message(&mut client).await?;
        line.lock().expect("no panic under this lock").notice(tag, &body);
        write_message(&mut server, tag, &body).await?;
    }
}

async fn answer(
    mut server: Reading,
    mut client: Writing,
    line: Arc<Mutex<Line>>,
    seen: Arc<Seen>,
) -> std::io::Result<()> {
    let mut lost = false;
    loop {
        let (tag, body) = read_message(&mut server).await?;
        match tag {
            b'E' => seen.refusals.lock().expect("no panic under this lock").extend(code_of(&body)),
            b'C' if !lost => lost = seen.takes(&line.lock().expect("no panic under this lock").current),
            // Only now is the transaction over on the server's side.
            b'Z' if lost => return Ok(()),
            _ => {}
        }
        if !lost {
            write_message(&mut client, tag, &body).await?;
        }
    }
}

impl Seen {
    fn takes(&self, statement: &[u8]) -> bool {
        let mut cut = self.cut.lock().expect("no panic under this lock");
        let found = cut.as_ref().is_some_and(|piece| String::from_utf8_lossy(statement).contains(piece));
        if found {
            *cut = None;
        }
        found
    }
}

impl Line {
    fn notice(&mut self, tag: u8, body: &[u8]) {
        let mut texts = body.split(|byte| *byte == 0).map(<[u8]>::to_vec);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        match tag {
            b'P' => drop(self.prepared.insert(first, second)),
            b'B' => self.current = self.prepared.get(&second).cloned().unwrap_or_default(),
            b'Q' => self.current = first,
            _ => {}
        }
    }
}

/// The field `C` of an error is its code.
fn code_of(body: &[u8]) -> Option<String> {
    let mut fields = body.split(|byte| *byte == 0);
    fields.find_map(|field| field.strip_prefix(b"C")).map(|code| String::from_utf8_lossy(code).into_owned())
}

async fn read_message(from: &mut Reading) -> std::io::Result<(u8, Vec<u8>)> {
    let tag = from.read_u8().await?;
    let mut body = vec![0; from.read_u32().await? as usize - 4];
    from.read_exact(&mut body).await?;
    Ok((tag, body))
}

async fn write_message(to: &mut Writing, tag: u8, body: &[u8]) -> std::io::Result<()> {
    let mut message = vec![tag];
    message.extend(u32::try_from(body.len() + 4).expect("messages are short").to_be_bytes());
    message.extend(body);
    to.write_all(&message).await
}
