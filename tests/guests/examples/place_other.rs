//! Declares a place of which no host has heard.

use hostile::{Behaviour, Guest, Manifest, Place, manifest};

struct Other;

impl Behaviour for Other {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        manifest.secret_uses[0].place = Place::Other("xml:/envelope/key".to_owned());
        manifest
    }
}

type Connector = Guest<Other>;
hostile::export!(Connector with_types_in hostile::bindings);
