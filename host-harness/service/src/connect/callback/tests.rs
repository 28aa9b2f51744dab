//! Browsers, good and bad, over real sockets of this machine.

use std::sync::atomic::{AtomicU32, Ordering};

use connector_contract::types::ErrorKind;
use connector_runtime::error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const LONG: Duration = Duration::from_secs(600);

/// Everything that the browser gets.
async fn send(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that refuses early may close before all is written.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn get(address: SocketAddr, target: &str) -> String {
    send(address, format!("GET {target} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await
}

/// What a desk would say.
fn taken(query: &str) -> Result<&'static str, ConnectError> {
    let why = |text: &str| error(ErrorKind::Forbidden, text).into();
    match query {
        "code=abc&state=s1" => Ok("made"),
        "error=access_denied&state=s1" => Err(ConnectError::Denied(why("no, thanks"))),
        "code=bad&state=s1" => Err(ConnectError::Call(why("<img src=x onerror='steal()'>"))),
        _ => Err(ConnectError::UnknownState),
    }
}

/// Lets `browse` visit a callback. Returns how the wait ended, and how often it was asked.
async fn visited<F: Future<Output = ()>>(
    browse: impl FnOnce(SocketAddr) -> F,
) -> (Result<&'static str, ConnectError>, u32) {
    let callback = Callback::listen(None).await.unwrap();
    let (address, asked) = (callback.address, AtomicU32::new(0));
    assert_eq!(callback.url(), format!("http://127.0.0.1:{}/callback", address.port()));
    let take = |query: String| -> Pending<'_, _> {
        asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { taken(&query) })
    };
    let (ended, ()) = tokio::join!(callback.wait(LONG, take), browse(address));
    (ended, asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn the_customer_sees_that_it_went_well() {
    let (ended, asked) = visited(async |address| {
        let page = get(address, "/callback?code=abc&state=s1").await;
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        for part in [
            "content-security-policy: default-src 'none'; style-src 'sha256-",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "<html lang=\"en\">",
            "<h1>Connected</h1>",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(!page.contains("abc") && !page.contains("<script"));
        assert!(TcpStream::connect(address).await.is_err(), "it still listens");
    })
    .await;
    assert_eq!((ended.unwrap(), asked), ("made", 1));
}

#[tokio::test]
async fn the_customer_sees_why_not() {
    for (query, expected) in [
        ("error=access_denied&state=s1", "access was denied"),
        ("code=bad&state=s1", "&#60;img src=x onerror=&#39;steal()&#39;&#62;"),
    ] {
        let (ended, asked) = visited(async |address| {
            let page = get(address, &format!("/callback?{query}")).await;
            assert!(page.contains(expected) && !page.contains("<img"), "{page}");
        })
        .await;
        assert!(ended.is_err() && asked == 1);
    }
}

#[tokio::test]
async fn what_is_no_answer_to_us_is_refused_and_waited_on() {
    let (ended, asked) = visited(async |address| {
        for (request, status) in [
            ("GET / HTTP/1.1", "404"),
            ("GET /favicon.ico HTTP/1.1", "404"),
            ("GET /callback HTTP/1.1", "404"),
            ("GET /callback/../callback?code=abc&state=s1 HTTP/1.1", "404"),
            ("POST /callback?code=abc&state=s1 HTTP/1.1", "404"),
            ("HEAD /callback?code=abc&state=s1 HTTP/1.1", "404"),
            ("GET /callback?code=abc&state=forged HTTP/1.1", "400"),
            ("nonsense", "400"),
        ] {
            let page = send(address, format!("{request}\r\nhost: x\r\n\r\n").as_bytes()).await;
            assert!(page.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {page}");
        }
        let long = format!("GET /callback?{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
        let page = send(address, long.as_bytes()).await;
        assert!(page.starts_with("HTTP/1.1 431 "), "{page}");
        // A browser that says nothing keeps nobody up.
        let _silent = TcpStream::connect(address).await.unwrap();
        get(address, "/callback?code=abc&state=s1").await;
    })
    .await;
    assert_eq!((ended.unwrap(), asked), ("made", 2));
}

/// A page that is loaded twice: the second gets no second answer.
#[tokio::test]
async fn one_callback_is_enough() {
    let (ended, asked) = visited(async |address| {
        let target = "/callback?code=abc&state=s1";
        let (one, two) = tokio::join!(get(address, target), get(address, target));
        let good = [&one, &two].into_iter().filter(|page| page.contains("<h1>Connected</h1>"));
        assert_eq!(good.count(), 1, "{one}\n{two}");
    })
    .await;
    assert_eq!((ended.unwrap(), asked), ("made", 1));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_without_end() {
    let callback = Callback::listen(None).await.unwrap();
    let take = |_: String| -> Pending<'_, Result<(), ConnectError>> { Box::pin(async { Ok(()) }) };
    let ended = callback.wait(LONG, take).await.unwrap_err();
    let text = "nobody came back from the provider within 10 minutes; connect again";
    assert_eq!(ended.to_string(), text);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = Callback::listen(None).await.unwrap();
    let error = Callback::listen(Some(first.address.port())).await.err().unwrap().to_string();
    assert!(error.contains(&first.address.to_string()), "{error}");
    assert!(error.ends_with("choose another port"), "{error}");
}
