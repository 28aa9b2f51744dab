//! Answers on demand, over a connection.

use aftership_simulator::{Answer, Fault, FaultPlan, Matcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use crate::client::{Client, TRACKINGS};

const CREATE: &str = r#"{"tracking_number":"1234567890"}"#;

/// A connection in memory.
fn connect(client: &Client) -> (DuplexStream, JoinHandle<()>) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let simulator = client.simulator.clone();
    (ours, tokio::spawn(async move { simulator.serve_stream(theirs).await }))
}

fn request(method: &str, body: &str) -> String {
    format!(
        "{method} {TRACKINGS} HTTP/1.1\r\nhost: x\r\nas-api-key: asat_simulator\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a connection gives for one request until it closes.
async fn exchange(client: &Client, request: &str) -> String {
    let (mut stream, served) = connect(client);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    served.await.unwrap();
    text
}

#[tokio::test]
async fn a_scripted_answer_is_used_once_and_performs_nothing() {
    let client = Client::new();
    let answer = Answer::new(502, "Interal Error").header("content-type", "text/plain");
    client.simulator.answer_next(Matcher::new("POST", TRACKINGS), answer);
    assert_eq!(client.list("").await.status, 200);
    let scripted = client.create(CREATE).await;
    assert_eq!((scripted.status, scripted.text.as_str()), (502, "Interal Error"));
    assert_eq!(scripted.header("content-type"), "text/plain");
    assert_eq!(client.simulator.count(), 0);
    assert_eq!(client.create(CREATE).await.status, 201);
}

#[tokio::test]
async fn a_reset_closes_without_an_answer() {
    let client = Client::new();
    client.simulator.answer_next(Matcher::any(), Answer::reset());
    assert_eq!(exchange(&client, &request("POST", CREATE)).await, "");
    assert_eq!(client.simulator.count(), 0);
    client.simulator.answer_next(Matcher::any(), Answer::reset().executed());
    assert_eq!(exchange(&client, &request("POST", CREATE)).await, "");
    assert_eq!(client.simulator.count(), 1);
    let journal = client.simulator.journal();
    assert_eq!((journal[1].status, journal[1].bytes_out), (None, 0));
}

#[tokio::test]
async fn a_truncated_answer_ends_early() {
    let client = Client::new();
    client.simulator.seed(1, 3);
    let whole = client.list("").await.text;
    for keep in [0, 100] {
        client.simulator.answer_next(Matcher::any(), Answer::real().truncated(keep));
        let text = exchange(&client, &request("GET", "")).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert!(head.contains(&format!("content-length: {}", whole.len())), "{head}");
        assert_eq!(Some(body), whole.get(..keep));
    }
    let last = client.simulator.journal().pop().unwrap();
    assert_eq!((last.status, last.bytes_out), (Some(200), 100));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_connection_says_nothing_and_stays_open() {
    let client = Client::new();
    client.simulator.answer_next(Matcher::any(), Answer::hang().executed());
    let (mut stream, served) = connect(&client);
    stream.write_all(request("POST", CREATE).as_bytes()).await.unwrap();
    let wait = std::time::Duration::from_secs(3_600);
    let mut byte = [0];
    assert!(tokio::time::timeout(wait, stream.read(&mut byte)).await.is_err());
    assert_eq!(client.simulator.count(), 1);
    assert_eq!(client.simulator.journal()[0].status, None);
    drop(stream);
    served.await.unwrap();
}

#[tokio::test]
async fn faults_of_pages_happen_to_every_list_with_pages() {
    let client = Client::new();
    for id in ["a", "b", "c"] {
        let connection = format!(
            r#"{{"id":"{id}","courier_slug":"dhl-api","credentials":{{}},"created_at":"2026-11-20T00:00:00+00:00","updated_at":"2026-11-20T00:00:00+00:00"}}"#
        );
        client.simulator.insert_connection(&connection).unwrap();
    }
    let path = "/tracking/2026-07/courier-connections";
    let list = async |query: &str| client.send("GET", &format!("{path}?{query}"), "").await;
    let ids = |answer: &crate::client::Answer| -> Vec<String> {
        let list = answer.data()["courier_connections"].as_array().unwrap();
        list.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let next = |answer: &crate::client::Answer| {
        let cursor = answer.data()["pagination"]["next_cursor"].as_str().unwrap();
        format!("cursor={}", cursor.replace('=', "%3D").replace('+', "%2B"))
    };
    let first = list("limit=2").await;
    assert_eq!(ids(&first), ["a", "b"]);

    client.simulator.answer_next(Matcher::any(), Fault::EmptyPage.into());
    let empty = list(&format!("limit=2&{}", next(&first))).await;
    assert_eq!(ids(&empty), Vec::<String>::new());
    assert_eq!(ids(&list(&next(&empty)).await), ["c"], "nothing is lost");

    client.simulator.answer_next(Matcher::any(), Fault::RepeatedPage.into());
    let cursor = next(&first);
    assert_eq!(next(&list(&cursor).await), cursor);
    client.simulator.answer_next(Matcher::any(), Fault::WrongTotal.into());
    assert_eq!(list("").await.data()["pagination"]["total"], 93);
}

#[tokio::test]
async fn an_empty_first_page_leads_on_to_all_that_it_left_out() {
    for shuffle in [None, Some(7)] {
        let client = Client::with(|options| options.shuffle = shuffle);
        client.simulator.seed(1, 5);
        client.simulator.answer_next(Matcher::any(), Fault::EmptyPage.into());
        let empty = client.list("limit=2").await;
        assert_eq!(empty.data()["trackings"].as_array().unwrap().len(), 0);
        let cursor = empty.data()["pagination"]["next_cursor"].as_str().unwrap();
        let cursor = cursor.replace('=', "%3D").replace('+', "%2B");
        let rest = client.list(&format!("limit=200&cursor={cursor}")).await;
        let count = rest.data()["trackings"].as_array().unwrap().len();
        assert_eq!(count, 5, "{shuffle:?}: nothing is lost");
    }
}

#[tokio::test]
async fn faults_of_pages_do_not_happen_to_lists_without_pages() {
    let client = Client::with(|options| {
        let menu = vec![Fault::EmptyPage, Fault::WrongTotal, Fault::RepeatedPage];
        options.faults = Some(FaultPlan { seed: 1, rate: 1.0, menu });
    });
    client.send("GET", "/tracking/2026-07/couriers?slug=dhl", "").await;
    client.list("").await;
    let journal = client.simulator.journal();
    assert_eq!(journal[0].fault, None);
    assert!(journal[1].fault.is_some());
}
