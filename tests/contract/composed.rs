//! The connector with something else in the host's place.

use std::path::Path;

use host_harness::runtime::LoadError;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};
use wit_component::{DecodedWasm, decode};

use crate::support::{component, guest_file, runtime};

/// Names of what a component imports and exports.
fn shape(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let Ok(DecodedWasm::Component(resolve, world)) = decode(bytes) else { panic!("a component") };
    let world = &resolve.worlds[world];
    let imports = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    let exports = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    (imports, exports)
}

/// Whoever cannot implement the host's interfaces plugs a component into them. Our host, which
/// gives a call one memory, refuses what is made of several, and does not fall over it.
#[tokio::test]
async fn a_component_can_be_plugged_into_the_hosts_place() {
    let mut graph = CompositionGraph::new();
    let mut package = |name: &str, file: &Path| {
        let bytes = std::fs::read(file).unwrap();
        let package = Package::from_bytes(name, None, bytes, graph.types_mut()).unwrap();
        graph.register_package(package).unwrap()
    };
    let connector = package("connector", &component());
    let stub = package("stub", &guest_file("stub_host"));
    plug(&mut graph, vec![stub], connector).unwrap();
    // It is validated too.
    let composed = graph.encode(EncodeOptions::default()).unwrap();

    let (needs, offers) = shape(&std::fs::read(component()).unwrap());
    let (needs_composed, offers_composed) = shape(&composed);
    let is_hosts = |name: &&String| name.starts_with("connector:host/");
    assert_eq!(needs.iter().filter(is_hosts).count(), 5);
    assert_eq!(needs_composed.iter().find(is_hosts), None);
    assert_eq!(offers_composed, offers);

    let refused = runtime().load_bytes(Path::new("composed.wasm"), &composed).await.err().unwrap();
    assert!(
        matches!(&refused, LoadError::NotAComponent { why, .. } if why.contains("memories")),
        "{refused}"
    );
}
