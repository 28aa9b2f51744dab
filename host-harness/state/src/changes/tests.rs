use proptest::prelude::*;

use super::*;
use crate::memory::Rows;
use crate::{GrantRow, GrantState, Sealed};

fn connection(id: u8, name: u8, key: u8) -> ConnectionRow {
    ConnectionRow {
        id: format!("id{id}"),
        name: format!("name{name}"),
        connector: String::new(),
        scheme: String::new(),
        settings: BTreeMap::new(),
        sealed_key: Sealed(vec![key]),
        made_ms: u64::from(key),
    }
}

fn grant(id: u8, epoch: u64) -> GrantRow {
    GrantRow {
        connection: format!("id{id}"),
        epoch,
        state: GrantState::Valid,
        sends: 0,
        lease: None,
        sealed_tokens: Sealed(vec![]),
        received_ms: 0,
        expires_ms: None,
        scopes: vec![],
        learned: connector_contract::auth::Learned::default(),
        retry_ms: None,
        failures: 0,
        previous: None,
    }
}

fn secret(id: u8, version: u32) -> SecretRow {
    SecretRow {
        connection: format!("id{id}"),
        name: "key".to_owned(),
        version,
        sealed: Sealed(vec![]),
        made_ms: 0,
        ends_ms: None,
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let id = || 0..3_u8;
    prop_oneof![
        4 => (id(), 0..3_u8, any::<u8>()).prop_map(|(id, name, key)| {
            Change::PutConnection(connection(id, name, key))
        }),
        1 => (id(), any::<u8>()).prop_map(|(id, key)| {
            Change::PutKey { id: format!("id{id}"), sealed_key: Sealed(vec![key]) }
        }),
        1 => id().prop_map(|id| Change::RemoveConnection { id: format!("id{id}") }),
        1 => (id(), 1..3_u32).prop_map(|(id, version)| Change::PutSecret(secret(id, version))),
        1 => id().prop_map(|id| {
            Change::RemoveSecret { connection: format!("id{id}"), name: "key".to_owned() }
        }),
        1 => (id(), 1..4_u64).prop_map(|(id, epoch)| Change::PutGrant(grant(id, epoch))),
        3 => (id(), 1..4_u64).prop_map(|(id, epoch)| Change::PutNextGrant(grant(id, epoch))),
        1 => id().prop_map(|id| Change::RemoveGrant { connection: format!("id{id}") }),
    ]
}

/// Commits as the memory does.
fn commit(rows: &mut Rows, changes: Vec<Change>) -> Result<(), StoreError> {
    let kept = rows.store.kept(&needs(&changes));
    let writes = plan(changes, kept)?;
    writes.into_iter().for_each(|change| crate::memory::write(rows, change, 0));
    Ok(())
}

proptest! {
    /// However changes are cut into commits, the same comes of them; and what is kept is sound.
    #[test]
    fn a_commit_is_its_changes_one_after_the_other(
        before in proptest::collection::vec(any_change(), 0..12),
        changes in proptest::collection::vec(any_change(), 1..8),
    ) {
        let mut rows = Rows::default();
        for change in before {
            let _ = commit(&mut rows, vec![change]);
        }
        let (mut together, mut apart) = (rows.clone(), rows.clone());
        let at_once = commit(&mut together, changes.clone());
        let one_by_one =
            changes.into_iter().try_for_each(|change| commit(&mut apart, vec![change]));
        prop_assert_eq!(&at_once, &one_by_one);
        let kept = if at_once.is_ok() { &apart.store } else { &rows.store };
        prop_assert_eq!(&together.store, kept);
        let names: BTreeSet<_> = kept.connections.values().map(|row| &row.name).collect();
        prop_assert_eq!(names.len(), kept.connections.len());
        let whose = kept.grants.keys().chain(kept.secrets.keys().map(|(id, ..)| id));
        for id in whose {
            prop_assert!(kept.connections.contains_key(id));
        }
    }

    /// Only putting a key changes it.
    #[test]
    fn a_key_stays(changes in proptest::collection::vec(any_change(), 0..12)) {
        let mut rows = Rows::default();
        for change in changes {
            let before = rows.store.connections.clone();
            let puts_key = matches!(change, Change::PutKey { .. });
            let _ = commit(&mut rows, vec![change]);
            for (id, row) in &rows.store.connections {
                let kept = before.get(id).is_none_or(|old| old.sealed_key == row.sealed_key);
                prop_assert!(kept || puts_key);
            }
        }
    }
}
