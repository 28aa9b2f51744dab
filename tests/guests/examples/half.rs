//! Exports the catalog and nothing else of what every connector offers.

use half::exports::connector::api::catalog;

#[allow(missing_docs, clippy::all, unsafe_code, reason = "generated; documented in wit/")]
mod half {
    wit_bindgen::generate!({
        inline: "
            package hostile:half;

            world half {
                export connector:api/catalog@0.2.0;
            }
        ",
        path: "../../wit",
        world: "hostile:half/half",
        generate_all,
    });
}

struct Half;

impl catalog::Guest for Half {
    fn get_manifest() -> catalog::Manifest {
        panic!("on purpose")
    }

    fn describe(_: String) -> Result<catalog::Descriptor, catalog::Error> {
        panic!("on purpose")
    }
}

half::export!(Half with_types_in half);
