//! Would send the operator's secret to a host of which a customer says where it is.

use hostile::{Behaviour, Guest, Manifest, Setter, manifest};

struct OperatorsSecret;

impl Behaviour for OperatorsSecret {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        manifest.settings[0].setter = Setter::Customer;
        manifest.schemes[0].secrets[0].setter = Setter::Operator;
        manifest
    }
}

type Connector = Guest<OperatorsSecret>;
hostile::export!(Connector with_types_in hostile::bindings);
