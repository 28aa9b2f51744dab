//! Asks for an interface that is none of a host's.

use hostile::{Behaviour, DataRecord, Error, Guest, record};

#[allow(missing_docs, clippy::all, unsafe_code, reason = "generated")]
mod more {
    wit_bindgen::generate!({
        inline: "
            package hostile:more;

            interface files {
                read: func(path: string) -> string;
            }

            world more {
                import files;
            }
        ",
    });
}

struct ImportsMore;

impl Behaviour for ImportsMore {
    fn get(id: String) -> Result<DataRecord, Error> {
        Ok(record(more::hostile::more::files::read(&id)))
    }
}

type Connector = Guest<ImportsMore>;
hostile::export!(Connector with_types_in hostile::bindings);
