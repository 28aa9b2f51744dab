//! What is forgotten and erased now and then.

use std::time::Duration;

use tokio::time::advance;

use super::super::{Database, START_MS, connection, grant, secret, session};
use crate::{Change, GrantRow, PreviousTokens, Sealed, Store};

/// Maintains until there is no more to do.
pub async fn maintain(store: &(impl Store + ?Sized)) {
    for _ in 0..1_000 {
        if !store.maintain().await.unwrap() {
            return;
        }
    }
    panic!("it does not end");
}

pub async fn what_ended_is_forgotten(database: &impl Database) {
    let store = database.open();
    let hours = |hours: u64| START_MS + hours * 3_600_000;
    let previous = |until_ms| Some(PreviousTokens { sealed: Sealed(vec![1]), until_ms });
    let kept = GrantRow { previous: previous(hours(30)), ..grant("b") };
    store
        .commit(vec![
            Change::PutConnection(connection("a")),
            Change::PutConnection(connection("b")),
            Change::PutSecret(secret("a", "key", 1, Some(hours(1)))),
            Change::PutSecret(secret("a", "key", 2, Some(hours(30)))),
            Change::PutGrant(GrantRow { previous: previous(hours(1)), ..grant("a") }),
            Change::PutGrant(kept.clone()),
            Change::PutSession(session(1, hours(24))),
        ])
        .await
        .unwrap();
    maintain(&*store).await;
    advance(Duration::from_secs(25 * 3_600)).await;
    maintain(&*store).await;
    assert_eq!(store.secrets("id-of-a").await.unwrap(), [secret("a", "key", 2, Some(hours(30)))]);
    assert_eq!(store.grant("id-of-a").await.unwrap(), Some(grant("a")));
    assert_eq!(store.grant("id-of-b").await.unwrap(), Some(kept));
    assert_eq!(store.take_session(&[1; 32]).await.unwrap(), None);
}

pub async fn an_id_that_is_used_again_has_nothing_of_before(database: &impl Database) {
    let store = database.open();
    let put = || Change::PutConnection(connection("a"));
    let all = vec![put(), Change::PutSecret(secret("a", "key", 1, None))];
    let remove = || vec![Change::RemoveConnection { id: "id-of-a".to_owned() }];
    for is_maintained in [true, false] {
        store.commit(all.clone()).await.unwrap();
        store.commit(remove()).await.unwrap();
        if is_maintained {
            maintain(&*store).await;
        }
        store.commit(vec![put()]).await.unwrap();
        assert_eq!(store.secrets("id-of-a").await.unwrap(), []);
        // What was to be erased is not erased of the new one.
        store.commit(all.clone()).await.unwrap();
        maintain(&*store).await;
        assert_eq!(store.secrets("id-of-a").await.unwrap().len(), 1);
        store.commit(remove()).await.unwrap();
    }
}
