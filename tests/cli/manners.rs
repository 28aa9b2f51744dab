//! What people expect of a program in a pipe.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use aftership_simulator::{Answer, Matcher};

use super::{Account, Ended, KEY};
use crate::support::world::TRACKINGS;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() {
    let account = Account::new().await;
    // More than a pipe holds.
    account.simulator.seed(3, 450);
    for form in ["ndjson", "json", "table", "csv"] {
        let mut command = account.command();
        command.args(["list", "trackings", "--output", form, "--page-size", "20"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{form}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_tells_each_request_and_never_the_key() {
    let account = Account::new().await;
    account.simulator.seed(3, 450);
    let ended = account.run(&["--trace", "--verbose", "list", "trackings"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.out.lines().count(), 450, "the trace stays out of the records");
    let lines: Vec<&str> = ended.err.lines().filter(|line| line.starts_with("GET ")).collect();
    assert_eq!(lines.len(), 3, "{}", ended.err);
    let expected = account.simulator.journal();
    for (line, entry) in lines.iter().zip(&expected) {
        let names =
            entry.query.as_deref().unwrap().split('&').filter_map(|pair| pair.split('=').next());
        // What is asked for in a query may be a customer's.
        let target = format!("{}?{}", entry.path, names.collect::<Vec<_>>().join("&"));
        assert!(line.contains("  200  ") && line.ends_with(&target), "{line}");
    }
    assert!(!ended.err.contains(KEY));

    let broken = Answer::new(502, "<html>").header("content-type", "text/html");
    account.simulator.answer_next(Matcher::new("GET", TRACKINGS), broken);
    let ended = account.run(&["list", "trackings", "--max", "1", "--trace"]);
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 1));
    let kinds: Vec<&str> =
        ended.err.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(kinds, ["GET", "again", "GET"], "{}", ended.err);
}

/// Without a terminal, and with `NO_COLOR` anywhere: no escape codes, not even those that a
/// record brings.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_pipe_is_coloured() {
    let account = Account::with(|options| options.retention_days = None).await;
    let evil = r#"{"id":"0b02015f","tracking_number":"E-1","slug":"dhl","created_at":"2026-11-20T08:00:00+00:00","updated_at":"2026-11-20T08:00:00+00:00","title":"\u001b[2J\u001b[31mred"}"#;
    account.simulator.insert(evil).unwrap();
    for arguments in [
        &["get", "trackings", "0b02015f", "--output", "table"][..],
        &["get", "trackings", "0b02015f", "--output", "json", "--trace"],
        &["list", "trackings", "--output", "table", "--columns", "id,title"],
        &["get", "trackings", "missing"],
        &["inspect", "--output", "table"],
        &["lst"],
        &["--help"],
    ] {
        for (name, value) in [("NO_COLOR", "1"), ("TERM", "xterm-256color"), ("CLICOLOR", "1")] {
            let mut command = account.command();
            let ended = Ended::from(command.env(name, value).args(arguments).output().unwrap());
            assert!(!ended.out.contains('\u{1b}') && !ended.err.contains('\u{1b}'), "{ended:?}");
            assert!(!ended.out.is_empty() || !ended.err.is_empty());
        }
    }
}

/// Ctrl-C ends it at once, even while an answer is waited for.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_program() {
    let account = Account::new().await;
    account.simulator.answer_next(Matcher::new("GET", TRACKINGS), Answer::hang());
    let mut command = account.command();
    command.args(["list", "trackings"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while account.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut signal = std::process::Command::new("kill");
    signal.args(["-INT", &child.id().to_string()]);
    assert!(signal.status().unwrap().success());
    Ended::from(child.wait_with_output().unwrap()).failed(130, &[]);
}
