//! Declares an origin of which a customer would choose the whole domain.

use hostile::{Behaviour, Guest, Manifest, manifest};

struct BadOrigin;

impl Behaviour for BadOrigin {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        manifest.endpoints[0].origin = "https://{shop}.com".to_owned();
        manifest
    }
}

type Connector = Guest<BadOrigin>;
hostile::export!(Connector with_types_in hostile::bindings);
