//! Generated from `wit/`: types of the contract, imports, and one trait for each interface that a
//! connector exports.
//!
//! Each optional interface has a world of its own here, so that a component declares only what its
//! author lists in [`crate::export!`]. All share the types of the world `connector`.

#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::mem_forget,
    reason = "generated code, which hands memory over the sandbox's border by raw pointers"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "connector:api/connector",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "export_connector",
    additional_derives: [PartialEq, Eq],
});

/// A module with the bindings of one optional interface.
macro_rules! optional {
    ($name:ident, $world:literal, $inline:literal, $export:literal, { $($with:tt)* }) => {
        pub mod $name {
            wit_bindgen::generate!({
                path: "../wit",
                inline: $inline,
                world: $world,
                pub_export_macro: true,
                export_macro_name: $export,
                additional_derives: [PartialEq, Eq],
                with: { $($with)* },
            });
        }
    };
}

optional!(actions, "connector:sdk/actions",
    "package connector:sdk; world actions { export connector:api/actions@0.2.0; }",
    "export_actions",
    { "connector:api/types@0.2.0": crate::bindings::connector::api::types });

optional!(batches, "connector:sdk/batches",
    "package connector:sdk; world batches { export connector:api/batches@0.2.0; }",
    "export_batches",
    { "connector:api/types@0.2.0": crate::bindings::connector::api::types });

optional!(derived, "connector:sdk/derived",
    "package connector:sdk; world derived { export connector:api/derived@0.2.0; }",
    "export_derived",
    { "connector:api/types@0.2.0": crate::bindings::connector::api::types });

optional!(discovery, "connector:sdk/discovery",
"package connector:sdk; world discovery { export connector:api/discovery@0.2.0; }",
"export_discovery",
{
    "connector:api/types@0.2.0": crate::bindings::connector::api::types,
    "connector:api/objects@0.2.0": crate::bindings::connector::api::objects,
});

optional!(subscriptions, "connector:sdk/subscriptions",
"package connector:sdk; world subscriptions { export connector:api/subscriptions@0.2.0; }",
"export_subscriptions",
{
    "connector:api/types@0.2.0": crate::bindings::connector::api::types,
    "connector:api/setup@0.2.0": crate::bindings::connector::api::setup,
});
