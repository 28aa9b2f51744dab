//! Speaks words of later versions wherever a set of them is open, and asks for an algorithm of
//! which no host has heard.

use hostile::{
    Behaviour, DataRecord, Descriptor, Error, Guest, KeyRole, KeyUse, ListRequest, Manifest, Page,
    Scheme, manifest, page, record, secrets,
};

struct Later;

fn more() -> Vec<(String, String)> {
    vec![("of-later".to_owned(), "{\"a\":[1]}".to_owned())]
}

impl Behaviour for Later {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        manifest.objects[0].operations.push("teleport".to_owned());
        manifest.schemes.push(Scheme {
            name: "quantum".to_owned(),
            title: "Entanglement".to_owned(),
            secrets: vec![],
            interactive: false,
        });
        manifest.key_uses.push(KeyUse {
            secret: "api-key".to_owned(),
            algorithm: "hmac-sha9000".to_owned(),
            role: KeyRole::Sign,
        });
        manifest.more = more();
        manifest
    }

    fn describe() -> Result<Descriptor, Error> {
        Ok(Descriptor {
            summary: Self::manifest().objects.remove(0),
            doc_url: String::new(),
            derived_from: None,
            retention_days: None,
            record_schema: "{\"type\":\"object\",\"x-of-later\":true}".to_owned(),
            create_schema: None,
            update_schema: None,
            filter_schema: None,
            options_schema: None,
            actions: vec![],
            events: vec!["thing.teleported".to_owned()],
            more: more(),
        })
    }

    fn list(_: ListRequest) -> Result<Page, Error> {
        let mut page = page(vec![record("{\"id\":\"1\"}".to_owned())]);
        page.more = more();
        Ok(page)
    }

    fn get(_: String) -> Result<DataRecord, Error> {
        let part = secrets::Part::Bytes(b"message".to_vec());
        let signed = secrets::sign("api-key", "hmac-sha9000", &[part]);
        let is_refused = signed == Err(secrets::SecretError::Unsupported);
        Ok(record(format!("{{\"unsupported\":{is_refused}}}")))
    }
}

type Connector = Guest<Later>;
hostile::export!(Connector with_types_in hostile::bindings);
