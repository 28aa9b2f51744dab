//! An origin that hands everything on to another one, and keeps what passed.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of one direction.
type Passed = Arc<Mutex<Vec<u8>>>;

pub struct Tap {
    address: SocketAddr,
    requests: Passed,
    answers: Passed,
}

impl Tap {
    /// In front of the origin `url`.
    pub async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let to = url.strip_prefix("http://").unwrap().to_owned();
        let (requests, answers) = (Passed::default(), Passed::default());
        let (sent, came) = (Arc::clone(&requests), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&to).await else { continue };
                let ((from_near, to_near), (from_far, to_far)) =
                    (near.into_split(), far.into_split());
                tokio::spawn(pass(from_near, to_far, Arc::clone(&sent)));
                tokio::spawn(pass(from_far, to_near, Arc::clone(&came)));
            }
        });
        Self { address, requests, answers }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was sent to it.
    pub fn requests(&self) -> Vec<u8> {
        self.requests.lock().unwrap().clone()
    }

    /// All that it answered.
    pub fn answers(&self) -> Vec<u8> {
        self.answers.lock().unwrap().clone()
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, passed: Passed) {
    let mut bytes = [0; 8 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        passed.lock().unwrap().extend_from_slice(&bytes[..read]);
        if to.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
}
