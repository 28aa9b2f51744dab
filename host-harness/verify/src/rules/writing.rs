//! Writes whose answers are lost.

use std::collections::BTreeSet;

use connector_contract::records::Start;
use connector_contract::types::ErrorKind;
use connector_runtime::retry::Policy;
use connector_runtime::{CallError, id_of};

use crate::report::Report;
use crate::session::{Session, ids};
use crate::tap::Fault;

/// A create whose answer is lost leaves one record, and the connector knows which.
pub async fn lost_answers(session: &Session, report: &mut Report) {
    for object in session.objects.iter().filter(|it| it.offers("create")) {
        let (name, rule) = (object.name(), "lost-answers");
        let Some(sample) = &object.sample else {
            report.untried(rule, format!("{name}: no input is given that makes one"));
            continue;
        };
        let before = session.tap.requests();
        if let Err(why) = session.connection.create(name, &session.input(sample)).await {
            report.failed(rule, &format!("{name} cannot be created"), &why);
            continue;
        }
        // A call sends nothing after its write, so that is its last request.
        let write = session.tap.requests() - before;
        let input = session.input(sample);
        let there = count(session, object, &input).await;
        session.tap.set(Fault::Lost, Some(write));
        let persistent = session.connection.clone().with_policy(Policy::default());
        let created = persistent.create(name, &input).await;
        session.tap.set(Fault::None, None);
        let now = count(session, object, &input).await;
        let (Ok(there), Ok(now)) = (there, now) else {
            report.untried(rule, format!("{name}: it cannot be told how many there are"));
            continue;
        };
        let new: Vec<_> = now.difference(&there).collect();
        match &created {
            _ if new.len() > 1 => {
                report.fault(
                    rule,
                    format!("{name}: {} records came of one create: {new:?}", new.len()),
                );
            }
            Ok(created) if !new.iter().any(|id| *id == id_of(&created.written.item)) => {
                report.fault(
                    rule,
                    format!(
                        "{name}: it answers {}, and {new:?} was made",
                        id_of(&created.written.item)
                    ),
                );
            }
            Ok(_) => report.tried(rule, format!("{name}: made once, and found")),
            Err(CallError::Connector(why)) if why.kind == ErrorKind::OutcomeUnknown => {
                report.tried(rule, format!("{name}: made once, and left to a person"));
            }
            Err(why) => report.failed(rule, &format!("{name}: {} made", new.len()), why),
        }
    }
}

/// Ids of all records; where they cannot be listed, of those that the input collides with.
async fn count(
    session: &Session,
    object: &crate::session::Object,
    input: &str,
) -> Result<BTreeSet<String>, CallError> {
    let name = object.name();
    if object.offers("list") {
        let (pages, _) = session.walk(name, Start::Beginning, None).await?;
        return Ok(ids(&pages).into_iter().collect());
    }
    let found = session.connection.find(name, input).await?;
    Ok(found.into_iter().map(|record| record.id).collect())
}
