//! Names a limit that it does not declare.

use hostile::{Behaviour, Guest, Manifest, manifest};

struct Contradicts;

impl Behaviour for Contradicts {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        manifest.endpoints[0].limits = vec!["unheard-of".to_owned()];
        manifest
    }
}

type Connector = Guest<Contradicts>;
hostile::export!(Connector with_types_in hostile::bindings);
