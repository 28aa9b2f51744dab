//! A network between hosts and a database server: every byte takes its time, and none overtakes another.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Pieces that are on their way in one direction of a connection at most.
const ON_THE_WAY: usize = 1_024;

/// Listens on loopback as long as this program runs, and passes on to the server at this socket. Threads
/// wait, because tokio's timers count whole milliseconds.
pub fn listen(server: PathBuf, each_way: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for host in listener.incoming().flatten() {
            // While the server is not there, the host sees its connection end.
            let Ok(server) = UnixStream::connect(&server) else { continue };
            let _ = pass_both(&host, &server, each_way);
        }
    });
    Ok(address)
}

fn pass_both(host: &TcpStream, server: &UnixStream, each_way: Duration) -> std::io::Result<()> {
    host.set_nodelay(true)?;
    let end = |server: &UnixStream| drop(server.shutdown(Shutdown::Both));
    pass(host.try_clone()?, server.try_clone()?, end, each_way);
    let end = |host: &TcpStream| drop(host.shutdown(Shutdown::Both));
    pass(server.try_clone()?, host.try_clone()?, end, each_way);
    Ok(())
}

/// Passes on what comes, each piece so much later, and then the end.
fn pass<R: Read + Send + 'static, W: Write + Send + 'static>(
    mut from: R,
    mut to: W,
    end: impl Fn(&W) + Send + 'static,
    delay: Duration,
) {
    let (send, receive) = sync_channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    thread::spawn(move || {
        let mut bytes = vec![0; 65_536];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let piece = bytes.get(..count).unwrap_or_default().to_vec();
            if send.send((Instant::now() + delay, piece)).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in receive {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        end(&to);
    });
}
