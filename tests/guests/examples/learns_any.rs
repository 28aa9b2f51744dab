//! Would learn a URL of any host while connecting.

use hostile::{Behaviour, Form, Guest, Manifest, Setter, manifest};

struct LearnsAny;

impl Behaviour for LearnsAny {
    fn manifest() -> Manifest {
        let mut manifest = manifest();
        let learned = manifest.settings.iter_mut().find(|one| one.setter == Setter::Connector);
        learned.unwrap().form = Form::Url(vec!["*".to_owned()]);
        manifest
    }
}

type Connector = Guest<LearnsAny>;
hostile::export!(Connector with_types_in hostile::bindings);
