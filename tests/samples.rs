//! Bodies of the shape that AfterShip's documentation shows fit our schemas. The bodies under
//! `tests/fixtures` are the project's own: the members are AfterShip's, the values are made up.

use std::collections::BTreeSet;
use std::path::Path;

use host_harness::contract::catalog::Descriptor;
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
}

use Of::{Create, Input, Output, Record, Update};

/// File, where in it the body stands (`*`: each element of the list there), and what it is.
const TABLE: [(&str, &str, Of); 17] = [
    ("tracking", "/data", Record("trackings")),
    ("trackings", "/data/trackings/*", Record("trackings")),
    ("webhook-tracking-update", "/msg", Record("trackings")),
    ("tracking-create", "", Create("trackings")),
    ("tracking-update", "", Update("trackings")),
    ("couriers", "/data/couriers/*", Record("couriers")),
    ("couriers-detect", "/*", Input("couriers", "detect")),
    ("couriers", "/data", Output("couriers", "detect")),
    ("couriers-none", "/data", Output("couriers", "detect")),
    ("courier-connection", "/data", Record("carrier-connections")),
    ("courier-connections", "/data/courier_connections/*", Record("carrier-connections")),
    ("courier-connection-create", "", Create("carrier-connections")),
    ("predict", "", Input("estimated-delivery-dates", "predict")),
    ("predict-batch", "/estimated_delivery_dates/*", Input("estimated-delivery-dates", "predict")),
    ("predict-batch", "", Input("estimated-delivery-dates", "predict-batch")),
    (
        "predictions",
        "/data/estimated_delivery_dates/*",
        Output("estimated-delivery-dates", "predict"),
    ),
    ("predictions", "/data", Output("estimated-delivery-dates", "predict-batch")),
];

#[tokio::test]
async fn every_documented_shape_fits_its_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let paths = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<_> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let listed: BTreeSet<_> = TABLE.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(files, listed, "in the folder, and in the table");
    let connector = runtime().load(&component()).await.unwrap();
    for (file, pointer, of) in TABLE {
        let (Record(object)
        | Create(object)
        | Update(object)
        | Input(object, _)
        | Output(object, _)) = of;
        let schema = schema(of, connector.describe(object).await.unwrap()).unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let text = std::fs::read_to_string(folder.join(file).with_extension("json")).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap();
        let bodies = match pointer.strip_suffix("/*") {
            Some(list) => whole.pointer(list).unwrap().as_array().unwrap().clone(),
            None => vec![whole.pointer(pointer).unwrap().clone()],
        };
        assert!(!bodies.is_empty(), "{file}");
        for body in bodies {
            let errors: Vec<_> = schema
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
    }
}
