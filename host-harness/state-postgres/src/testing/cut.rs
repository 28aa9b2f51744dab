//! Between a host and the server: loses a `COMMIT`, or its answer.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::TestServer;

/// A way to the server that cuts connections when it is told to.
#[derive(Default)]
pub struct CuttingProxy {
    /// So many commits are lost before they reach the server.
    pub before: AtomicUsize,
    /// Of so many the answer is lost.
    pub after: AtomicUsize,
    /// Commits that were asked for.
    pub commits: AtomicUsize,
}

impl CuttingProxy {
    /// Listens in `directory`, as the server does in its own, until the runtime ends.
    pub fn listen(directory: &Path) -> Arc<Self> {
        let socket = UnixListener::bind(directory.join(SOCKET)).unwrap();
        let (proxy, server) =
            (Arc::new(Self::default()), TestServer::get().directory().join(SOCKET));
        let passing = Arc::clone(&proxy);
        tokio::spawn(async move {
            while let Ok((host, _)) = socket.accept().await {
                let (proxy, server) = (Arc::clone(&passing), server.clone());
                tokio::spawn(async move {
                    // While the server is down, the host sees its connection end.
                    let Ok(server) = UnixStream::connect(&server).await else { return };
                    let _ = proxy.pass(host, server).await;
                });
            }
        });
        proxy
    }

    async fn pass(&self, host: UnixStream, server: UnixStream) -> std::io::Result<()> {
        let (mut from_host, mut to_host) = host.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let asks = async {
            let mut bytes = vec![0; 65_536];
            loop {
                let count = from_host.read(&mut bytes).await?;
                let asked = bytes.get(..count).unwrap_or_default();
                if asked.is_empty() {
                    return Ok::<_, std::io::Error>(());
                }
                let is_commit = asked.windows(7).any(|seven| seven == b"COMMIT\0");
                if is_commit {
                    self.commits.fetch_add(1, Ordering::SeqCst);
                    if one_less(&self.before) {
                        return Ok(());
                    }
                }
                to_server.write_all(asked).await?;
                if is_commit && one_less(&self.after) {
                    return Ok(());
                }
            }
        };
        let answers = async {
            let mut bytes = vec![0; 65_536];
            loop {
                let count = from_server.read(&mut bytes).await?;
                let told = bytes.get(..count).unwrap_or_default();
                if told.is_empty() {
                    return Ok::<_, std::io::Error>(());
                }
                to_host.write_all(told).await?;
            }
        };
        // What is asked comes first, so that a cut leaves its answer unread.
        tokio::select! { biased; ended = asks => ended, ended = answers => ended }
    }
}

/// The socket of port 5432.
const SOCKET: &str = ".s.PGSQL.5432";

fn one_less(left: &AtomicUsize) -> bool {
    let less = |left: usize| left.checked_sub(1);
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
}
