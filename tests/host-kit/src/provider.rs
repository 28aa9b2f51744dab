//! The provider of a case: answers as it is told, and keeps what it was sent.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::case::{Answer, Fault};

/// Largest request that is read.
const REQUEST_BYTES: usize = 4 << 20;
const HUGE_BYTES: usize = 16 << 20;
const BOMB_BYTES: usize = 64 << 20;

/// Listens on loopback until it is dropped.
pub struct Provider {
    /// Where.
    pub address: SocketAddr,
    sent: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    /// Answers with these, one request after the other; the last one is repeated.
    ///
    /// # Errors
    /// When the machine gives it no port.
    pub async fn listen(answers: Vec<Answer>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let sent = Arc::<Mutex<Vec<String>>>::default();
        let (answers, kept) = (Arc::new(answers), Arc::clone(&sent));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, kept) = (Arc::clone(&answers), Arc::clone(&kept));
                tokio::spawn(async move {
                    // Whoever called goes away as it likes.
                    let _ = serve(stream, &answers, &kept).await;
                });
            }
        });
        Ok(Self { address, sent, task })
    }

    /// Every request so far: method and target, headers in lower case by name, an empty line, the body.
    #[must_use]
    pub fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: TcpStream, answers: &[Answer], sent: &Mutex<Vec<String>>) -> Result<()> {
    let mut read = Vec::new();
    loop {
        let Some((request, length)) = whole(&read) else {
            if read.len() > REQUEST_BYTES || stream.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
            continue;
        };
        read.drain(..length);
        let number = {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.push(request.clone());
            sent.len() - 1
        };
        let answer = answers.get(number).or_else(|| answers.last()).cloned().unwrap_or_default();
        if answer.fault == Fault::Closed {
            return Ok(());
        }
        let quoted = serde_json::Value::from(request).to_string();
        let body = match answer.fault {
            Fault::Huge => vec![b' '; HUGE_BYTES],
            Fault::Bomb => {
                let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(&vec![b' '; BOMB_BYTES])?;
                packed.finish()?
            }
            _ => answer.body.replace("{request}", &quoted).into_bytes(),
        };
        let mut head = format!("HTTP/1.1 {} Answer\r\n", answer.status);
        if answer.fault == Fault::Bomb {
            head.push_str("content-encoding: gzip\r\n");
        }
        for (name, value) in &answer.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ));
        stream.write_all(head.as_bytes()).await?;
        if answer.fault == Fault::Cut {
            stream.write_all(body.get(..body.len() / 2).unwrap_or_default()).await?;
            return Ok(());
        }
        stream.write_all(&body).await?;
    }
}

/// The first whole request in `read` as it is kept, and its length.
fn whole(read: &[u8]) -> Option<(String, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = request.parse(read) else { return None };
    let mut lines: Vec<String> = Vec::new();
    for header in request.headers.iter() {
        let value = String::from_utf8_lossy(header.value);
        lines.push(format!("{}: {value}", header.name.to_ascii_lowercase()));
    }
    let length = |line: &String| line.strip_prefix("content-length: ")?.trim().parse().ok();
    let end = head + lines.iter().find_map(length).unwrap_or(0_usize);
    let body = String::from_utf8_lossy(read.get(head..end)?).into_owned();
    lines.sort();
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    Some((format!("{method} {target}\n{}\n\n{body}", lines.join("\n")), end))
}
