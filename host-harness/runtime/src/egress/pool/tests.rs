//! Who is kept, who is closed and when, on a clock that stands still.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::*;
use crate::egress::{Connect, FilledRequest, HttpClient, Pending, Progress, Resolve, Stream};

/// Servers at every address; tells the ports of the connections that are open, and how many there
/// were.
#[derive(Clone, Default)]
struct Servers(Arc<Mutex<(Vec<u16>, usize)>>);

impl Resolve for Servers {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) })
    }
}

impl Connect for Servers {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (ours, mut theirs) = duplex(4_096);
        let servers = Arc::clone(&self.0);
        tokio::spawn(async move {
            servers.lock().unwrap().0.push(address.port());
            servers.lock().unwrap().1 += 1;
            let mut head = Vec::new();
            while let Ok(byte) = theirs.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    // Time for others to ask too.
                    sleep(Duration::from_millis(100)).await;
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    theirs.write_all(answer).await.unwrap();
                }
            }
            let open = &mut servers.lock().unwrap().0;
            let index = open.iter().position(|port| *port == address.port()).unwrap();
            open.remove(index);
        });
        Box::pin(async move { Ok(Box::new(ours) as Box<dyn Stream>) })
    }
}

impl Servers {
    fn client(&self, change: impl FnOnce(&mut EgressOptions)) -> Arc<HttpClient> {
        let network = Arc::new(self.clone());
        let mut options = EgressOptions { network, ..EgressOptions::default() };
        change(&mut options);
        Arc::new(HttpClient::new(options).unwrap())
    }

    /// Ports of the connections that are open, when those that were closed have noticed.
    async fn open(&self) -> Vec<u16> {
        sleep(Duration::from_millis(1)).await;
        let mut open = self.0.lock().unwrap().0.clone();
        open.sort_unstable();
        open
    }
}

async fn ask(client: &HttpClient, port: u16, private: bool) {
    let origin = Origin { tls: false, host: "127.0.0.1".to_owned(), port, private };
    let target = Zeroizing::new("/".to_owned());
    let filled = FilledRequest { target, headers: HeaderMap::new(), body: Zeroizing::default() };
    // One that may not go to a private address needs none: the pool is what is tried here.
    let answer = client.exchange(&origin, "GET", &filled, &Progress::default()).await;
    assert_eq!(answer.is_ok(), private);
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_is_closed_without_another_request() {
    let servers = Servers::default();
    let client = servers.client(|_| {});
    ask(&client, 1, true).await;
    sleep(Duration::from_secs(20)).await;
    ask(&client, 2, true).await;
    assert_eq!(servers.open().await, [1, 2]);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(servers.open().await, [2], "the other one was used later");
    sleep(Duration::from_secs(20)).await;
    assert_eq!(servers.open().await, [0; 0]);
    assert!(lock(&client.pool().idle).closing.is_none(), "there is nothing to wait for");
    // And from the beginning.
    ask(&client, 3, true).await;
    sleep(Duration::from_secs(31)).await;
    assert_eq!(servers.open().await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn at_a_bound_the_one_that_is_unused_longest_is_closed() {
    let servers = Servers::default();
    let client = servers.client(|options| {
        (options.idle_connections, options.idle_per_origin) = (3, 2);
    });
    let at_once = |port| {
        let client = Arc::clone(&client);
        async move {
            let three = [(); 3].map(|()| {
                let client = Arc::clone(&client);
                tokio::spawn(async move { ask(&client, port, true).await })
            });
            for asked in three {
                asked.await.unwrap();
            }
        }
    };
    at_once(1).await;
    assert_eq!(servers.open().await, [1, 1], "of one origin");
    ask(&client, 2, true).await;
    ask(&client, 3, true).await;
    assert_eq!(servers.open().await, [1, 2, 3], "in all");
    ask(&client, 1, true).await;
    assert_eq!(servers.0.lock().unwrap().1, 5, "what is open is used again");
    ask(&client, 4, true).await;
    assert_eq!(servers.open().await, [1, 3, 4], "and is then the last to go");
}

#[tokio::test(start_paused = true)]
async fn what_was_opened_to_a_private_address_serves_nobody_else() {
    let servers = Servers::default();
    let client = servers.client(|_| {});
    ask(&client, 1, true).await;
    ask(&client, 1, false).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_client_goes_so_do_its_connections_and_its_task() {
    let servers = Servers::default();
    let client = servers.client(|_| {});
    ask(&client, 1, true).await;
    let closing = lock(&client.pool().idle).closing.take().unwrap();
    let abort = closing.abort_handle();
    lock(&client.pool().idle).closing = Some(closing);
    drop(client);
    assert_eq!(servers.open().await, [0; 0]);
    assert!(abort.is_finished());
}
