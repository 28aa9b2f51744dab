//! Lists: their records, pages, cursors and bookmarks.

use std::collections::BTreeSet;
use std::time::Duration;

use connector_contract::records::{ListRequest, Start};
use serde_json::Value;

use crate::report::Report;
use crate::session::{Object, PAGES, Session, ids};
use crate::tap::Fault;

/// Page sizes that are tried; none is the connector's own choice.
const SIZES: [u32; 2] = [7, 3];
/// When a new record is looked for since a bookmark, in seconds after its making.
const LOOKS_S: [u64; 6] = [1, 4, 12, 30, 65, 90];
/// The page size in scans that are disturbed.
const SMALL: u32 = 2;

/// Records fit their schema, and every page size brings the same ones.
pub async fn schemas_and_pages(session: &Session, report: &mut Report) {
    for object in session.listed() {
        let name = object.name();
        let (pages, whole) = match session.walk(name, Start::Beginning, None).await {
            Ok(walked) => walked,
            Err(why) => {
                report.failed("complete", &format!("{name} cannot be listed"), &why);
                continue;
            }
        };
        schemas(session, object, &pages, report).await;
        let all = ids(&pages);
        let set: BTreeSet<&String> = all.iter().collect();
        if set.len() != all.len() {
            report
                .fault("complete", format!("{name}: {} records came twice", all.len() - set.len()));
        }
        if all.is_empty() {
            report.untried("complete", format!("{name}: the provider has none"));
            continue;
        }
        for size in SIZES {
            if !whole || all.len() / size as usize >= PAGES {
                report.untried("complete", format!("{name}: too many for pages of {size}"));
                continue;
            }
            let sized = match session.walk(name, Start::Beginning, Some(size)).await {
                Ok((pages, _)) => ids(&pages),
                Err(why) => {
                    report.failed("complete", &format!("{name} in pages of {size}"), &why);
                    continue;
                }
            };
            let found: BTreeSet<&String> = sized.iter().collect();
            if found != set || found.len() != sized.len() {
                let missing: Vec<_> = set.difference(&found).take(3).collect();
                report.fault("complete", format!(
                    "{name}: {} records in pages of {size}, {} in pages of its own choice; missing {missing:?}",
                    sized.len(), all.len()
                ));
            }
        }
        report.tried(
            "complete",
            format!("{name}: {} records in {} page(s), and by {SIZES:?}", all.len(), pages.len()),
        );
    }
}

async fn schemas(
    session: &Session,
    object: &Object,
    pages: &[connector_contract::records::Page],
    report: &mut Report,
) {
    let name = object.name();
    let schema = serde_json::from_str::<Value>(&object.descriptor.record_schema).ok();
    let Some(validator) = schema.and_then(|it| jsonschema::validator_for(&it).ok()) else { return };
    let mut count = 0;
    let mut judge = |id: &str, data: &str, report: &mut Report| {
        count += 1;
        match serde_json::from_str::<Value>(data) {
            Err(why) => report.fault("schemas", format!("{name} {id} is no JSON: {why}")),
            Ok(value) => {
                if let Some(why) = validator.iter_errors(&value).next() {
                    let at = why.instance_path().to_string();
                    report.fault("schemas", format!("{name} {id}, at \"{at}\": {why}"));
                }
            }
        }
    };
    for record in pages.iter().flat_map(|page| &page.records) {
        judge(&record.id, &record.data, report);
    }
    if let Some(first) = pages.iter().flat_map(|page| &page.records).next()
        && object.offers("get")
    {
        match session.connection.get(name, &first.id).await {
            Ok(record) if record.id != first.id => {
                report
                    .fault("schemas", format!("{name}: get of {} answers {}", first.id, record.id));
            }
            Ok(record) => judge(&record.id, &record.data, report),
            Err(why) => report.failed("schemas", &format!("{name}: get of {}", first.id), &why),
        }
    }
    if count > 0 {
        report.tried("schemas", format!("{name}: {count} records"));
    }
}

/// The second page, asked for again: after a kill, and by another process.
pub async fn cursors(session: &Session, report: &mut Report) {
    let elsewhere = match session.elsewhere().await {
        Ok(elsewhere) => elsewhere,
        Err(why) => return report.untried("cursors", why),
    };
    for object in session.listed() {
        let name = object.name();
        let mut request = ListRequest { page_size: Some(SMALL), ..ListRequest::all(name) };
        let Ok(page) = session.connection.list(&request).await else { continue };
        let Some(next) = page.next else {
            report.untried("cursors", format!("{name}: one page holds all"));
            continue;
        };
        request.start = Start::At(next);
        let first = session.connection.list(&request).await;
        // Killed once the provider has been asked.
        let asked = session.tap.requests();
        session.tap.set(Fault::Held, None);
        let killed = session.connection.list(&request);
        let reached = async {
            while session.tap.requests() == asked {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            _ = killed => {}
            () = reached => {}
        }
        session.tap.set(Fault::None, None);
        let ways = [
            ("once more", session.connection.list(&request).await),
            ("in another process", elsewhere.list(&request).await),
        ];
        let first = match first {
            Ok(page) => page,
            Err(why) => {
                report.failed("cursors", &format!("{name}: the second page"), &why);
                continue;
            }
        };
        for (way, again) in ways {
            match again {
                Ok(again)
                    if ids(std::slice::from_ref(&again)) != ids(std::slice::from_ref(&first)) =>
                {
                    report.fault(
                        "cursors",
                        format!("{name}: asked {way}, the second page holds other records"),
                    );
                }
                Ok(_) => report.tried("cursors", format!("{name}: the second page {way}")),
                Err(why) => {
                    report.failed("cursors", &format!("{name}: the second page {way}"), &why);
                }
            }
        }
    }
}

/// Records are made and removed while a list is read.
pub async fn churn(session: &Session, report: &mut Report) {
    for object in session.listed().filter(|it| it.offers("create")) {
        let name = object.name();
        let Some(sample) = &object.sample else {
            report.untried("churn", format!("{name}: no input is given that makes one"));
            continue;
        };
        let mut ours = BTreeSet::new();
        for _ in 0..3 * SMALL {
            match made(session, name, sample).await {
                Ok(id) => ours.extend([id]),
                Err(why) => {
                    return report.failed("churn", &format!("{name} cannot be created"), &why);
                }
            }
        }
        let Ok((pages, _)) = session.walk(name, Start::Beginning, None).await else { continue };
        let mut throughout: BTreeSet<String> = ids(&pages).into_iter().collect();
        let (mut seen, mut removed, mut start) = (BTreeSet::new(), 0, Start::Beginning);
        for _ in 0..PAGES {
            let request = ListRequest { start, page_size: Some(SMALL), ..ListRequest::all(name) };
            let page = match session.connection.list(&request).await {
                Ok(page) => page,
                Err(why) => return report.failed("churn", &format!("{name}: a page of it"), &why),
            };
            for id in ids(std::slice::from_ref(&page)) {
                if object.offers("delete") && removed < SMALL && ours.remove(&id) {
                    removed += u32::from(session.connection.delete(name, &id).await.is_ok());
                    throughout.remove(&id);
                }
                seen.insert(id);
            }
            if seen.len() < 3 * SMALL as usize && made(session, name, sample).await.is_err() {
                break;
            }
            let Some(next) = page.next else { break };
            start = Start::At(next);
        }
        let missing: Vec<_> = throughout.difference(&seen).take(3).collect();
        if !missing.is_empty() {
            report.fault("churn", format!(
                "{name}: {removed} records were removed and others made, and {missing:?} never came"
            ));
        }
        report.tried(
            "churn",
            format!("{name}: {} records, {removed} removed meanwhile", throughout.len()),
        );
    }
}

/// What is made after a bookmark is told since it.
pub async fn bookmarks(session: &Session, report: &mut Report) {
    for object in session.listed() {
        let name = object.name();
        let Ok((pages, _)) = session.walk(name, Start::Beginning, None).await else { continue };
        let Some(bookmark) = pages.iter().rev().find_map(|page| page.bookmark.clone()) else {
            report.untried("bookmarks", format!("{name}: each list is whole"));
            continue;
        };
        let made = match (&object.sample, object.offers("create")) {
            (Some(sample), true) => made(session, name, sample).await,
            _ => {
                report.untried("bookmarks", format!("{name}: no input is given that makes one"));
                continue;
            }
        };
        let Ok(made) = made else { continue };
        let mut waited = Duration::ZERO;
        let told = loop {
            let (pages, _) = match session.walk(name, Start::Since(bookmark.clone()), None).await {
                Ok(walked) => walked,
                Err(why) => {
                    report.failed("bookmarks", &format!("{name} since its bookmark"), &why);
                    break None;
                }
            };
            if ids(&pages).contains(&made) {
                break Some(true);
            }
            // A provider lists what is new after a while, and a window may leave out what is so new.
            let looks = LOOKS_S.into_iter().map(Duration::from_secs);
            let mut looks = looks.filter(|look| *look <= session.patience());
            let Some(pause) = looks.find(|look| *look > waited) else { break Some(false) };
            tokio::time::sleep(pause - waited).await;
            waited = pause;
        };
        let shown = format!("{name}: {made} was made after the bookmark");
        match told {
            Some(true) => report.tried("bookmarks", format!("{shown}, and is told since it")),
            Some(false) => {
                let seconds = waited.as_secs();
                report.fault(
                    "bookmarks",
                    format!("{shown}, and is not told since it in {seconds} s"),
                );
            }
            None => {}
        }
    }
}

/// The id of a new record.
async fn made(
    session: &Session,
    object: &str,
    sample: &str,
) -> Result<String, connector_runtime::CallError> {
    let created = session.connection.create(object, &session.input(sample)).await?;
    Ok(connector_runtime::id_of(&created.written.item).to_owned())
}
