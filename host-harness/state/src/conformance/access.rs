//! What every [`Access`](crate::access::Access) must do.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

use super::{Database, START_MS, START_S, State, connection};
use crate::access::{
    AddedToken, CANCELLED, EndedWrite, LINKS, NewLink, NewToken, NewWrite, ReadCount, Scope,
    StoredAnswer, TOKENS, WriteKey, WriteStart, plan,
};
use crate::{Change, Sealed, StoreError};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! access_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* access:
            tokens_are_good_until_they_end [add_token find_token list_tokens revoke_token]
            there_are_so_many_tokens_at_most [add_token list_tokens]
            a_write_is_done_once_under_its_key [begin_write end_write list_writes]
            a_write_whose_host_ended_is_begun_again [begin_write end_write]
            a_write_that_may_be_done_keeps_its_key [begin_write end_write list_writes]
            answers_are_kept_for_a_day_and_no_longer_than_their_connection [begin_write end_write]
            writes_are_told_for_ninety_days [begin_write end_write list_writes]
            reads_are_counted_by_minute_and_caller [count_reads list_reads]
            a_link_is_used_once_and_in_time [put_link find_link take_link]
            a_connection_has_so_many_links_at_most [put_link find_link]
        }
    };
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn token(name: &str, digest: u8) -> NewToken {
    NewToken {
        name: name.to_owned(),
        digest: [digest; 32],
        scope: Scope::Write,
        connections: Some(vec!["id-of-a".to_owned()]),
        for_ms: 60_000,
    }
}

async fn connect(state: &Arc<dyn State>, name: &str) {
    state.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
}

async fn maintain(state: &Arc<dyn State>) {
    while state.maintain().await.unwrap() {}
}

pub async fn tokens_are_good_until_they_end(database: &impl Database) {
    let state = database.open();
    assert_eq!(state.add_token(token("shop", 1)).await.unwrap(), AddedToken::Added);
    assert_eq!(state.add_token(token("shop", 2)).await.unwrap(), AddedToken::NameTaken);
    let all = NewToken { connections: None, scope: Scope::Admin, ..token("boss", 3) };
    assert_eq!(state.add_token(all).await.unwrap(), AddedToken::Added);
    let other = database.open();
    let found = other.find_token([1; 32]).await.unwrap().unwrap();
    assert_eq!((&*found.name, found.scope, found.made_ms), ("shop", Scope::Write, START_MS));
    assert_eq!(found.connections, Some(vec!["id-of-a".to_owned()]));
    assert_eq!(other.find_token([3; 32]).await.unwrap().unwrap().connections, None);
    assert_eq!(other.find_token([2; 32]).await.unwrap(), None);
    assert!(other.revoke_token("shop").await.unwrap());
    assert!(!other.revoke_token("shop").await.unwrap());
    assert!(!other.revoke_token("nobody").await.unwrap());
    assert_eq!(state.find_token([1; 32]).await.unwrap(), None);
    advance(Duration::from_secs(60)).await;
    assert_eq!(state.find_token([3; 32]).await.unwrap(), None);
    let told = state.list_tokens().await.unwrap();
    let told: Vec<_> = told.iter().map(|it| (&*it.name, it.revoked_ms)).collect();
    assert_eq!(told, [("boss", None), ("shop", Some(START_MS))]);
    advance(DAY * 91).await;
    maintain(&state).await;
    assert_eq!(state.list_tokens().await.unwrap(), []);
}

pub async fn there_are_so_many_tokens_at_most(database: &impl Database) {
    let state = database.open();
    for number in 0..TOKENS {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        let token = NewToken { digest, ..token(&format!("{number:04}"), 0) };
        assert_eq!(state.add_token(token).await.unwrap(), AddedToken::Added);
    }
    assert_eq!(state.add_token(token("one more", 9)).await.unwrap(), AddedToken::Full);
    assert_eq!(state.list_tokens().await.unwrap().len() as u64, TOKENS);
}

fn write(attempt: &str, key: u8, request: u8) -> NewWrite {
    NewWrite {
        caller: "shop".to_owned(),
        action: "create record".to_owned(),
        connection: Some("id-of-a".to_owned()),
        target: "orders \0".to_owned(),
        key: Some(WriteKey { key: [key; 32], request: [request; 32] }),
        attempt: attempt.to_owned(),
        for_ms: 30_000,
    }
}

fn number(start: &WriteStart) -> u64 {
    match start {
        WriteStart::Go { number, .. } => *number,
        other => panic!("{other:?}"),
    }
}

fn answer(status: u32) -> StoredAnswer {
    StoredAnswer { status, sealed: Sealed(vec![0, 1, 2]) }
}

fn ended(number: u64, attempt: &str, answer: Option<StoredAnswer>) -> EndedWrite {
    let (attempt, outcome) = (attempt.to_owned(), "ok".to_owned());
    EndedWrite { number, attempt, outcome, target: None, answer }
}

pub async fn a_write_is_done_once_under_its_key(database: &impl Database) {
    let state = database.open();
    connect(&state, "a").await;
    let first = state.begin_write(write("x", 1, 1)).await.unwrap();
    let WriteStart::Go { number, is_again: false } = first else { panic!("{first:?}") };
    let other = database.open();
    assert_eq!(other.begin_write(write("y", 1, 1)).await.unwrap(), WriteStart::UnderWay);
    assert_eq!(other.begin_write(write("y", 1, 2)).await.unwrap(), WriteStart::OtherRequest);
    // The same key of another caller, another key, and no key at all are other writes.
    let of_other = NewWrite { caller: "other".to_owned(), ..write("y", 1, 2) };
    let keyless = NewWrite { key: None, connection: None, ..write("y", 1, 2) };
    for write in [of_other, write("y", 2, 1), keyless.clone(), keyless] {
        let start = other.begin_write(write).await.unwrap();
        assert!(matches!(start, WriteStart::Go { is_again: false, .. }), "{start:?}");
    }
    state.end_write(ended(number, "y", Some(answer(500)))).await.unwrap();
    assert_eq!(other.begin_write(write("y", 1, 1)).await.unwrap(), WriteStart::UnderWay);
    state.end_write(ended(number, "x", Some(answer(201)))).await.unwrap();
    let told = other.begin_write(write("y", 1, 1)).await.unwrap();
    assert_eq!(told, WriteStart::Answered(answer(201)));
    let told = other.list_writes(None, 99).await.unwrap();
    let numbers: Vec<u64> = told.iter().map(|row| row.number).collect();
    assert!(numbers.is_sorted_by(|one, next| one > next), "{numbers:?}");
    let last = told.last().unwrap();
    assert_eq!((last.number, last.at_ms, last.outcome.as_deref()), (number, START_MS, Some("ok")));
    assert_eq!((&*last.caller, &*last.target), ("shop", "orders \0"));
    assert_eq!(other.list_writes(Some(numbers[2]), 1).await.unwrap()[0].number, numbers[3]);
    // What was not done may be sent again under its key.
    let second = state.begin_write(write("x", 7, 1)).await.unwrap();
    state.end_write(ended(self::number(&second), "x", None)).await.unwrap();
    let again = state.begin_write(write("x", 7, 2)).await.unwrap();
    assert!(matches!(again, WriteStart::Go { is_again: false, .. }), "{again:?}");
}

pub async fn a_write_whose_host_ended_is_begun_again(database: &impl Database) {
    let state = database.open();
    connect(&state, "a").await;
    let first = number(&state.begin_write(write("x", 1, 1)).await.unwrap());
    advance(Duration::from_secs(20)).await;
    let extended = state.begin_write(write("x", 1, 1)).await.unwrap();
    assert_eq!(number(&extended), first);
    advance(Duration::from_secs(29)).await;
    assert_eq!(state.begin_write(write("y", 1, 1)).await.unwrap(), WriteStart::UnderWay);
    advance(Duration::from_secs(1)).await;
    let again = state.begin_write(write("y", 1, 1)).await.unwrap();
    assert_eq!(again, WriteStart::Go { number: first, is_again: true });
    // The one before has lost it.
    state.end_write(ended(first, "x", Some(answer(500)))).await.unwrap();
    state.end_write(ended(first, "y", Some(answer(201)))).await.unwrap();
    state.end_write(ended(999, "y", Some(answer(201)))).await.unwrap();
    let told = state.begin_write(write("z", 1, 1)).await.unwrap();
    assert_eq!(told, WriteStart::Answered(answer(201)));
}

pub async fn a_write_that_may_be_done_keeps_its_key(database: &impl Database) {
    let state = database.open();
    connect(&state, "a").await;
    let first = number(&state.begin_write(write("x", 1, 1)).await.unwrap());
    let lost = EndedWrite { outcome: CANCELLED.to_owned(), ..ended(first, "x", None) };
    state.end_write(lost).await.unwrap();
    assert_eq!(state.begin_write(write("y", 1, 2)).await.unwrap(), WriteStart::OtherRequest);
    let again = state.begin_write(write("y", 1, 1)).await.unwrap();
    assert_eq!(again, WriteStart::Go { number: first, is_again: true });
    assert_eq!(state.begin_write(write("z", 1, 1)).await.unwrap(), WriteStart::UnderWay);
    let told = &state.list_writes(None, 9).await.unwrap()[0];
    assert_eq!((told.outcome.as_deref(), &*told.target), (Some(CANCELLED), "orders \0"));
    let made = Some("orders made".to_owned());
    let done = EndedWrite { target: made, ..ended(first, "y", Some(answer(201))) };
    state.end_write(done).await.unwrap();
    let told = database.open().begin_write(write("z", 1, 1)).await.unwrap();
    assert_eq!(told, WriteStart::Answered(answer(201)));
    let told = &state.list_writes(None, 9).await.unwrap()[0];
    assert_eq!((told.outcome.as_deref(), &*told.target), (Some("ok"), "orders made"));
}

pub async fn answers_are_kept_for_a_day_and_no_longer_than_their_connection(
    database: &impl Database,
) {
    let state = database.open();
    connect(&state, "a").await;
    for key in [1, 2] {
        let start = state.begin_write(write("x", key, 1)).await.unwrap();
        state.end_write(ended(number(&start), "x", Some(answer(200)))).await.unwrap();
    }
    advance(DAY - Duration::from_secs(1)).await;
    maintain(&state).await;
    let told = state.begin_write(write("y", 1, 1)).await.unwrap();
    assert_eq!(told, WriteStart::Answered(answer(200)));
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    let told = state.begin_write(write("y", 1, 1)).await.unwrap();
    assert_eq!(told, WriteStart::Forgotten);
    // An answer that comes after the end of its connection is not kept.
    let late = number(&state.begin_write(write("y", 3, 1)).await.unwrap());
    state.end_write(ended(late, "y", Some(answer(200)))).await.unwrap();
    assert_eq!(state.begin_write(write("y", 3, 1)).await.unwrap(), WriteStart::Forgotten);
    advance(Duration::from_secs(2)).await;
    maintain(&state).await;
    let start = state.begin_write(write("y", 1, 2)).await.unwrap();
    assert!(matches!(start, WriteStart::Go { is_again: false, .. }), "{start:?}");
    assert_eq!(state.list_writes(None, 99).await.unwrap().len(), 4);
}

pub async fn writes_are_told_for_ninety_days(database: &impl Database) {
    let state = database.open();
    for key in 1..4 {
        let write = NewWrite { connection: None, ..write("x", key, 1) };
        let start = state.begin_write(write).await.unwrap();
        state.end_write(ended(number(&start), "x", Some(answer(200)))).await.unwrap();
        advance(DAY * 45).await;
    }
    maintain(&state).await;
    assert_eq!(state.list_writes(None, 99).await.unwrap().len(), 2);
}

pub async fn reads_are_counted_by_minute_and_caller(database: &impl Database) {
    const MINUTE: u64 = START_S / 60;
    let state = database.open();
    let count =
        |minute, caller: &str, reads| ReadCount { minute, caller: caller.to_owned(), reads };
    let first = vec![count(MINUTE, "b", 2), count(MINUTE, "a", 1), count(MINUTE, "b", 1)];
    state.count_reads(first).await.unwrap();
    state.count_reads(vec![count(MINUTE + 1, "a", 7), count(MINUTE, "a", 1)]).await.unwrap();
    let told = database.open().list_reads(0).await.unwrap();
    let all = [count(MINUTE, "a", 2), count(MINUTE, "b", 3), count(MINUTE + 1, "a", 7)];
    assert_eq!(told, all);
    assert_eq!(state.list_reads(MINUTE + 1).await.unwrap(), all[2..]);
    advance(DAY * 8 + Duration::from_secs(60)).await;
    maintain(&state).await;
    assert_eq!(state.list_reads(0).await.unwrap(), all[2..]);
}

fn link(digest: u8, connection: &str) -> NewLink {
    NewLink {
        digest: [digest; 32],
        connection: format!("id-of-{connection}"),
        scheme: "oauth2".to_owned(),
        scopes: vec!["read".to_owned(), "a \"quoted\" one".to_owned()],
        label: Some("Acme".to_owned()),
        caller: "shop".to_owned(),
        return_to: Some("https://shop.example/done".to_owned()),
        for_ms: 600_000,
    }
}

pub async fn a_link_is_used_once_and_in_time(database: &impl Database) {
    let state = database.open();
    connect(&state, "a").await;
    let lost = state.put_link(link(1, "nobody")).await;
    assert!(matches!(lost, Err(StoreError::NoConnection(id)) if id == "id-of-nobody"));
    for digest in 1..4 {
        state.put_link(link(digest, "a")).await.unwrap();
    }
    let other = database.open();
    let found = other.find_link([1; 32]).await.unwrap().unwrap();
    assert_eq!(found, plan::link(link(1, "a"), START_MS));
    assert_eq!(other.take_link([1; 32]).await.unwrap(), Some(found));
    assert_eq!(state.take_link([1; 32]).await.unwrap(), None);
    assert_eq!(state.find_link([1; 32]).await.unwrap(), None);
    advance(Duration::from_secs(600)).await;
    assert_eq!(state.find_link([2; 32]).await.unwrap(), None);
    assert_eq!(state.take_link([2; 32]).await.unwrap(), None);
    maintain(&state).await;
    state.put_link(link(5, "a")).await.unwrap();
    state.commit(vec![Change::RemoveConnection { id: "id-of-a".to_owned() }]).await.unwrap();
    assert_eq!(state.take_link([5; 32]).await.unwrap(), None);
}

pub async fn a_connection_has_so_many_links_at_most(database: &impl Database) {
    let state = database.open();
    connect(&state, "a").await;
    connect(&state, "b").await;
    state.put_link(link(200, "b")).await.unwrap();
    let most = u8::try_from(LINKS).unwrap();
    for digest in 0..=most {
        state.put_link(link(digest, "a")).await.unwrap();
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(state.find_link([0; 32]).await.unwrap(), None, "the oldest is gone");
    for digest in (1..=most).chain([200]) {
        assert!(state.find_link([digest; 32]).await.unwrap().is_some(), "{digest}");
    }
}
