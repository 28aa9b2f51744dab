//! What the connector says of itself.

use serde::Serialize;
use serde_json::Value;

use crate::report::Report;
use crate::session::{Object, Session};

/// The same each time, and nothing is asked for it.
pub async fn purity(session: &Session, report: &mut Report) {
    if said(session.first.manifest()) != said(session.connector.manifest()) {
        report.fault("pure", "two instances tell different manifests");
    }
    for object in &session.connector.manifest().objects {
        let name = &object.name;
        let (one, other) =
            (session.first.describe(name).await, session.connector.describe(name).await);
        if let (Ok(one), Ok(other)) = (&one, &other)
            && said(one) != said(other)
        {
            report.fault("pure", format!("two instances describe {name} differently"));
        }
        report.tried("pure", format!("{name} described twice"));
    }
    for call in session.tape.calls().iter().filter(|call| call.export.starts_with("catalog.")) {
        let asked = call.imports.iter().find(|it| it.import != "log.write");
        if let Some(asked) = asked {
            report.fault("pure", format!("{} uses {}", call.export, asked.import));
        }
    }
}

/// What is described fits together.
pub async fn descriptors(session: &Session, report: &mut Report) -> Vec<Object> {
    let mut objects = Vec::new();
    for summary in &session.connector.manifest().objects {
        let name = &summary.name;
        let descriptor = match session.connector.describe(name).await {
            Ok(descriptor) => descriptor,
            Err(why) => {
                report.failed("descriptors", &format!("{name} is not described"), &why);
                continue;
            }
        };
        if descriptor.summary != *summary {
            report.fault("descriptors", format!("{name} is summed up otherwise in the manifest"));
        }
        for (operation, schema) in
            [("create", &descriptor.create_schema), ("update", &descriptor.update_schema)]
        {
            let offers = summary.operations.iter().any(|it| it == operation);
            if offers != schema.is_some() {
                report.fault(
                    "descriptors",
                    format!("{name}: {operation} and its schema go together"),
                );
            }
        }
        let known =
            |from: &String| session.connector.manifest().objects.iter().any(|it| it.name == *from);
        if let Some(from) = descriptor.derived_from.as_ref().filter(|from| !known(from)) {
            report
                .fault("descriptors", format!("{name} is derived from {from}, which is no object"));
        }
        let schemas = [("record", Some(&descriptor.record_schema))].into_iter().chain([
            ("create", descriptor.create_schema.as_ref()),
            ("update", descriptor.update_schema.as_ref()),
            ("filter", descriptor.filter_schema.as_ref()),
            ("options", descriptor.options_schema.as_ref()),
        ]);
        let actions = descriptor.actions.iter().flat_map(|action| {
            [("input", Some(&action.input_schema)), ("output", Some(&action.output_schema))]
        });
        for (what, schema) in schemas.chain(actions) {
            let Some(schema) = schema else { continue };
            let read = serde_json::from_str::<Value>(schema);
            let read = read.map_err(|why| why.to_string());
            let checked =
                read.and_then(|it| jsonschema::validator_for(&it).map_err(|why| why.to_string()));
            if let Err(why) = checked {
                report.fault("descriptors", format!("{name}: the {what} schema is none: {why}"));
            }
        }
        report.tried("descriptors", name.clone());
        objects.push(Object { descriptor, sample: session.sample(name) });
    }
    objects
}

/// What is compared: as text.
fn said(told: &impl Serialize) -> String {
    serde_json::to_string(told).unwrap_or_default()
}
