//! What the provider or the way to it does: exit code 1, or 4 when another key is needed.

use std::net::TcpListener;

use aftership_simulator::{Answer, Matcher};

use super::{Account, Ended, KEY, NUMBER};
use crate::support::world::TRACKINGS;
use crate::support::{component, host_command};

fn json(status: u16, body: impl Into<bytes::Bytes>) -> Answer {
    Answer::new(status, body).header("content-type", "application/json")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_asks_for_another() {
    let account = Account::new().await;
    let run = |arguments: &[&str]| {
        let mut command = account.command();
        Ended::from(command.env("KEY", "asat_wrong").args(arguments).output().unwrap())
    };
    let words =
        ["the credentials were refused", "HTTP 401", "code 401", "--secret-env api-key=KEY"];
    run(&["list", "trackings"]).failed(4, &words);
    run(&["delete", "trackings", "0b02015fc7fd4f3c8d5490cece4d124d"]).failed(4, &words);
    let checked = run(&["check"]);
    assert_eq!(checked.code, Some(4), "{checked:?}");
    assert!(checked.out.contains(r#""result":"unauthenticated""#), "{checked:?}");
    assert!(checked.err.contains("check the secret given by --secret-env api-key=KEY"));
    assert!(account.simulator.journal().iter().all(|entry| entry.status == Some(401)));
    assert_eq!(account.requests().len(), 3, "a refused key is not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_provider_refuses_is_told_with_its_code_and_request() {
    let account = Account::new().await;
    let id = account.create(NUMBER);
    let again = format!(r#"{{"tracking_number":"{NUMBER}","slug":"ups"}}"#);
    let ended = account.run(&["create", "trackings", "--data", &again]);
    let get = format!("`get trackings {id}`");
    ended
        .failed(1, &["conflict", "code 4003", "request ", &format!("existing record: {id}"), &get]);
    assert_eq!(account.simulator.count(), 1);

    let missing = "0b02015fc7fd4f3c8d5490cece4d124d";
    for command in ["get", "delete"] {
        account
            .run(&[command, "trackings", missing])
            .failed(1, &["not found", "code 4004", missing]);
    }
    let active = account.run(&["invoke", "trackings", "retrack", "--id", &id]);
    active.failed(1, &["invoking retrack of trackings: conflict", "code 4013"]);

    account.simulator.configure(|options| options.forbidden = true);
    account.run(&["list", "trackings"]).failed(1, &["not allowed", "HTTP 403", "`check` shows"]);
    let checked = account.run(&["check", "trackings"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.out.contains(r#""result":"forbidden""#), "{checked:?}");
}

#[test]
fn a_stopped_server_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = host_command();
    command
        .env("CONNECTOR_COMPONENT", component())
        .env("KEY", KEY)
        .args(["list", "trackings", "--secret-env", "api-key=KEY", "--allow-private"])
        .args(["--limits", "off", "--setting", &format!("base-url=http://127.0.0.1:{port}")]);
    let ended = Ended::from(command.output().unwrap());
    let place = format!("cannot connect to http://127.0.0.1:{port}");
    ended.failed(
        1,
        &["listing trackings", &place, "refused", "Nothing was changed", "try again later"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_is_not_taken() {
    let account = Account::new().await;
    account.simulator.seed(3, 1);
    let huge = vec![b' '; 8 * 1024 * 1024 + 1];
    account.simulator.answer_next(Matcher::new("GET", TRACKINGS), json(200, huge.clone()));
    let ended = account.run(&["get", "trackings", "0b02015fc7fd4f3c8d5490cece4d124d"]);
    ended.failed(1, &["the answer is larger than the host takes"]);
    assert_eq!(account.requests().len(), 1);

    // A page that is too large is asked for again in halves.
    account.simulator.answer_next(Matcher::new("GET", TRACKINGS), json(200, huge));
    assert_eq!(account.run(&["list", "trackings"]).quiet().lines().count(), 1);
    let queries = account.simulator.journal().into_iter().filter_map(|entry| entry.query);
    let sizes = queries.filter_map(|query| Some(query.split_once("limit=")?.1.to_owned()));
    assert_eq!(sizes.collect::<Vec<_>>(), ["200", "100"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_cursor_repeats_ends_the_list() {
    let account = Account::new().await;
    let record = r#"{"id":"0b02015f","created_at":"2026-11-20T08:00:00+00:00"}"#;
    let page = format!(
        r#"{{"meta":{{"code":200}},"data":{{"pagination":{{"total":9,"next_cursor":"c2FtZQ==","has_next_page":true}},"trackings":[{record}]}}}}"#
    );
    for _ in 0..5 {
        account.simulator.answer_next(Matcher::new("GET", TRACKINGS), json(200, page.clone()));
    }
    let ended = account.run(&["list", "trackings"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.out, format!("{record}\n"), "what came before stays printed");
    assert!(ended.err.contains("stopped after 1 record"), "{}", ended.err);
    assert!(ended.err.contains("repeat"), "{}", ended.err);
    assert_eq!(account.requests().len(), 2);
}

/// One record without an id among others: they are printed, it is named, and the code says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_hides_no_other() {
    let account = Account::new().await;
    let page = r#"{"meta":{"code":200},"data":{"pagination":{"total":2,"next_cursor":"","has_next_page":false},"trackings":[{"title":"no id"},{"id":"0b02015f"}]}}"#;
    account.simulator.answer_next(Matcher::new("GET", TRACKINGS), json(200, page));
    let ended = account.run(&["list", "trackings"]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(3), "{\"id\":\"0b02015f\"}\n"));
    assert!(ended.err.contains("unreadable: without an id"), "{}", ended.err);
    assert!(ended.err.contains("1 record could not be read"), "{}", ended.err);
}
