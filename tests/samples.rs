//! AfterShip's own example bodies fit our schemas. They are not part of this project: where they
//! lie beside it, in `../shared/samples`, they are checked.

use std::collections::BTreeSet;
use std::path::Path;

use host_harness::runtime::bindings::catalog::Descriptor;
use serde_json::Value;

use crate::support::{component, runtime};

/// Which schema of an object a body must fit.
#[derive(Clone, Copy)]
enum Of {
    Record(&'static str),
    Create(&'static str),
    Update(&'static str),
    Input(&'static str, &'static str),
    Output(&'static str, &'static str),
    /// Errors, which have no schema; and deliveries, whose shapes are several.
    Exempt,
}

use Of::{Create, Exempt, Input, Output, Record, Update};

/// File, where in it the body stands, whether it is a list of such, and what it is.
const TABLE: [(&str, &str, bool, Of); 30] = [
    (
        "2026-07-oas-courier-connection-create-201.json",
        "/data",
        false,
        Record("carrier-connections"),
    ),
    // It says `credential`, which is a slip of the documentation.
    ("2026-07-oas-courier-connection-create-request.json", "", false, Exempt),
    ("2026-07-oas-courier-connection-delete.json", "/data", false, Record("carrier-connections")),
    ("2026-07-oas-courier-connection-get.json", "/data", false, Record("carrier-connections")),
    ("2026-07-oas-courier-connection-patch.json", "/data", false, Record("carrier-connections")),
    (
        "2026-07-oas-courier-connections-list.json",
        "/data/courier_connections",
        true,
        Record("carrier-connections"),
    ),
    ("2026-07-oas-couriers-detect-empty.json", "/data", false, Output("couriers", "detect")),
    ("2026-07-oas-couriers-detect-requests.json", "", true, Input("couriers", "detect")),
    ("2026-07-oas-couriers-detect.json", "/data", false, Output("couriers", "detect")),
    ("2026-07-oas-couriers-list.json", "/data/couriers", true, Record("couriers")),
    ("2026-07-oas-edd-error-400.json", "", false, Exempt),
    (
        "2026-07-oas-edd-predict-batch-request.json",
        "",
        false,
        Input("estimated-delivery-dates", "predict-batch"),
    ),
    (
        "2026-07-oas-edd-predict-batch-response.json",
        "/data",
        false,
        Output("estimated-delivery-dates", "predict-batch"),
    ),
    (
        "2026-07-oas-edd-predict-request.json",
        "",
        false,
        Input("estimated-delivery-dates", "predict"),
    ),
    (
        "2026-07-oas-edd-predict-response-AS-PUBLISHED.json",
        "/data/estimated_delivery_dates",
        true,
        Output("estimated-delivery-dates", "predict"),
    ),
    ("2026-07-oas-tracking-create-201.json", "/data", false, Record("trackings")),
    ("2026-07-oas-tracking-create-request.json", "", false, Create("trackings")),
    ("2026-07-oas-tracking-delete.json", "/data", false, Record("trackings")),
    ("2026-07-oas-tracking-get.json", "/data", false, Record("trackings")),
    ("2026-07-oas-tracking-update-request.json", "", false, Update("trackings")),
    ("2026-07-oas-tracking-update.json", "/data", false, Record("trackings")),
    ("2026-07-oas-trackings-list.json", "/data/trackings", true, Record("trackings")),
    ("2026-07-webhook-edd_revise-illustrative.json", "", false, Exempt),
    ("2026-07-webhook-tracking_pending_time-illustrative.json", "", false, Exempt),
    ("2026-07-webhook-tracking_update-trimmed.json", "/msg", false, Record("trackings")),
    ("error-4003-tracking-exists-v4.json", "", false, Exempt),
    ("error-401-gateway-live.json", "", false, Exempt),
    ("error-403-no-plan-live.json", "", false, Exempt),
    ("error-404-unknown-uri-live.json", "", false, Exempt),
    ("error-429-per-second.json", "", false, Exempt),
];

#[tokio::test]
async fn every_example_of_aftership_fits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: the examples do not lie beside the project");
        return;
    };
    let files: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let listed: BTreeSet<String> = TABLE.iter().map(|(file, ..)| (*file).to_owned()).collect();
    let missing: Vec<_> = files.symmetric_difference(&listed).collect();
    assert!(missing.is_empty(), "in the table or in the folder, not in both: {missing:?}");
    let connector = runtime().load(&component()).await.unwrap();
    for (file, pointer, many, of) in TABLE {
        let object = match of {
            Exempt => continue,
            Record(object) | Create(object) | Update(object) => object,
            Input(object, _) | Output(object, _) => object,
        };
        let schema = schema(of, connector.describe(object).await.unwrap()).unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap();
        let body = whole.pointer(pointer).unwrap();
        let bodies = if many { body.as_array().unwrap().clone() } else { vec![body.clone()] };
        assert!(!bodies.is_empty(), "{file}");
        for body in bodies {
            let errors: Vec<String> = schema
                .iter_errors(&body)
                .map(|error| format!("{} {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{file}: {errors:?}");
        }
    }
}

fn schema(of: Of, all: Descriptor) -> Option<String> {
    let action = |name: &str| all.actions.iter().find(|known| known.name == name).cloned();
    match of {
        Record(_) => Some(all.record_schema),
        Create(_) => all.create_schema,
        Update(_) => all.update_schema,
        Input(_, name) => action(name).map(|action| action.input_schema),
        Output(_, name) => action(name).map(|action| action.output_schema),
        Exempt => None,
    }
}
