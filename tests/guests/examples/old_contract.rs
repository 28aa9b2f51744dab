//! Exports the interfaces of another version of the contract.

use old::exports::connector::api::{auth, catalog, records};

#[allow(missing_docs, clippy::all, unsafe_code, reason = "generated")]
mod old {
    wit_bindgen::generate!({
        inline: "
            package connector:api@0.1.0;

            interface catalog {
                get-manifest: func() -> string;
            }

            interface auth {
                schemes: func() -> string;
            }

            interface records {
                get: func(object: string, id: string) -> string;
            }

            world connector {
                export catalog;
                export auth;
                export records;
            }
        ",
    });
}

struct Old;

impl catalog::Guest for Old {
    fn get_manifest() -> String {
        String::new()
    }
}

impl auth::Guest for Old {
    fn schemes() -> String {
        String::new()
    }
}

impl records::Guest for Old {
    fn get(_: String, _: String) -> String {
        String::new()
    }
}

old::export!(Old with_types_in old);
