//! Answers that are lost, connections that break, and servers that may not be used.

use std::sync::atomic::{AtomicBool, Ordering};

use connector_contract::types::DataRecord;
use connector_state::conformance::connection;
use connector_state::journal::Journal as _;
use connector_state::mirror::{Batch, Mirror as _, Source};
use connector_state::scratch::Scratch;

use super::*;
use crate::testing::CuttingProxy;

/// A host behind a proxy.
async fn through() -> (Arc<CuttingProxy>, Scratch, Postgres) {
    let direct = address();
    Postgres::open(&direct).await.unwrap();
    let folder = Scratch::new();
    let proxy = CuttingProxy::listen(folder.path());
    let given = format!(
        "postgres://tests@/postgres?host={}&schema={}&connections=2",
        folder.path().display(),
        direct.schema
    );
    let postgres = Postgres::unchecked(&Address::read(&given, |_| None).unwrap()).unwrap();
    (proxy, folder, postgres)
}

/// Whether the answer or the commit itself is lost, a commit is made once, and answered.
#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn a_commit_whose_answer_is_lost_is_made_once() {
    for before in [false, true] {
        let (proxy, _folder, postgres) = through().await;
        let lost = if before { &proxy.before } else { &proxy.after };
        lost.store(1, Ordering::SeqCst);
        postgres.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
        assert_eq!(postgres.connections().await.unwrap(), [connection("a")]);
        assert_eq!(postgres.journal("id-of-a", vec![], None, 9).await.unwrap().len(), 1);
        assert_eq!(proxy.commits.load(Ordering::SeqCst), if before { 2 } else { 1 });
    }
}

/// Numbers of changes are given away in the order of commits, without one that is missing, however many
/// hosts write and read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn no_reader_misses_a_change_however_connections_break() {
    let address = address();
    let hosts = [Postgres::open(&address).await.unwrap(), Postgres::open(&address).await.unwrap()];
    hosts[0].commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let reader = {
        let (host, ended) = (hosts[1].clone(), Arc::clone(&ended));
        tokio::spawn(async move {
            let mut read = vec![];
            loop {
                let is_last = ended.load(Ordering::SeqCst);
                let after = read.last().copied().unwrap_or_default();
                let changes = host.changes("id-of-a", after, 7).await.unwrap_or_default();
                read.extend(changes.iter().map(|change| change.number));
                if is_last && changes.is_empty() {
                    return read;
                }
            }
        })
    };
    let writers = (0..8).map(|writer: usize| {
        let host = hosts[writer % 2].clone();
        tokio::spawn(async move {
            for round in 0..12 {
                let mut batch = Batch::new("id-of-a", "orders", Source::Lookup, 0);
                batch.records.push(DataRecord {
                    id: format!("{writer}-{round}"),
                    updated_at: None,
                    created_at: None,
                    version: None,
                    data: "{}".to_owned(),
                });
                host.apply(batch).await.unwrap();
                if writer == 0 && round % 3 == 0 {
                    // Somebody ends a connection that writes, less often than one writer tries again.
                    let kill: Work<String, ()> = |on, schema| {
                        Box::pin(async move {
                            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                                       WHERE pid <> pg_backend_pid() AND query LIKE '%mirror%'
                                           AND backend_xid IS NOT NULL AND $1 <> '' LIMIT 1";
                            on.rows(sql, &[schema]).await.map(drop)
                        })
                    };
                    let _ = host.read(host.0.schema.clone(), kill).await;
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    ended.store(true, Ordering::SeqCst);
    let read = reader.await.unwrap();
    let all = hosts[0].changes("id-of-a", 0, 1_000).await.unwrap();
    let all: Vec<u64> = all.iter().map(|change| change.number).collect();
    let missed: Vec<_> = all.iter().filter(|number| !read.contains(number)).collect();
    assert!(missed.is_empty(), "a reader missed {missed:?}");
    assert_eq!((all, read), ((1..=96).collect(), (1..=96).collect()));
}

async fn run(postgres: &Postgres, sql: &'static str) {
    let work: Work<&'static str, ()> = |on, sql| Box::pin(on.batch(sql));
    postgres.read(sql, work).await.unwrap();
}

#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn a_server_that_forgets_what_it_confirmed_is_refused() {
    let address = address();
    let postgres = Postgres::open(&address).await.unwrap();
    run(&postgres, "CREATE ROLE lax LOGIN SUPERUSER; ALTER ROLE lax SET synchronous_commit = off")
        .await;
    let given = format!("{}&schema={}", TestServer::get().place(), address.schema)
        .replace("tests@", "lax@");
    let refused = Postgres::open(&Address::read(&given, |_| None).unwrap()).await.err().unwrap();
    let refused = refused.to_string();
    assert!(
        refused.contains("synchronous_commit = off") && refused.contains("ALTER ROLE"),
        "{refused}"
    );
}

#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn a_schema_of_another_program_or_version_is_refused() {
    let address = address();
    let postgres = Postgres::unchecked(&address).unwrap();
    let name = address.schema.clone();
    let work: Work<String, ()> = |on, name| {
        Box::pin(async move {
            on.batch(&format!("CREATE SCHEMA {name}; CREATE TABLE {name}.mine (a int)")).await
        })
    };
    postgres.read(name, work).await.unwrap();
    let refused = Postgres::open(&address).await.err().unwrap();
    assert!(matches!(&refused, StoreError::Corrupt { why, .. } if why.contains("another program")));

    let address = super::address();
    let postgres = Postgres::open(&address).await.unwrap();
    run(&postgres, "UPDATE state_version SET version = 9999").await;
    let refused = Postgres::open(&address).await.err().unwrap();
    assert!(matches!(refused, StoreError::TooNew { found: 9999, .. }), "{refused}");
}

#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn many_hosts_that_begin_at_once_make_the_tables_once() {
    let address = address();
    let opening = (0..8).map(|_| {
        let address = address.clone();
        tokio::spawn(async move { Postgres::open(&address).await.map(drop) })
    });
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
}

#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn who_cannot_log_in_is_told_what_to_do_and_not_the_password() {
    let given = TestServer::get().place().replace("tests@", "nobody_here@");
    let password = |name: &str| (name == "PGPASSWORD").then(|| "canary".into());
    let refused = Postgres::open(&Address::read(&given, password).unwrap()).await.err().unwrap();
    let refused = refused.to_string();
    assert!(refused.contains("PGPASSWORD") && !refused.contains("canary"), "{refused}");
}
