//! Composes a connector with the components that serve it by WASI, so that it runs where nobody implements
//! `connector:host`.
//!
//! The connector stands in it twice. One instance, above a host that has nothing, says what it is: `catalog`, from
//! which the adapter takes the manifest, and `derived`. It cannot send (H-18). The other one, above the adapter,
//! does all that may send. So the manifest is what these very bytes say, and no step of a build has to be trusted
//! to have copied it.

use anyhow::{Context as _, Result, bail};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

/// What a connector may import: the host's interfaces, and types of the contract (H-1).
const IMPORTS: [&str; 5] = ["http", "secrets", "settings", "clock", "log"];
/// What the instance that sends nothing answers.
const QUIET: [&str; 2] = ["connector:api/catalog@0.2.0", "connector:api/derived@0.2.0"];
/// Types, without a function: whoever serves none of the connector's interfaces needs no name for them.
const TYPES: [&str; 4] = [
    "connector:api/types@0.2.0",
    "connector:api/objects@0.2.0",
    "connector:api/permissions@0.2.0",
    "connector:api/setup@0.2.0",
];
/// What is told to the adapter before a call.
const CALLS: &str = "connector:wasi/calls@0.2.0";
/// What serves a platform of `wasi:http`.
const HANDLER: &str = "wasi:http/incoming-handler@0.2.0";

/// The components, as files hold them.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    /// Any connector of the contract.
    pub connector: &'a [u8],
    /// Serves it by WASI.
    pub adapter: &'a [u8],
    /// A host that has nothing.
    pub silent: &'a [u8],
    /// Reads the configuration from environment variables; without it the platform has `wasi:config`.
    pub environment: Option<&'a [u8]>,
    /// Serves it over HTTP; without it the connector's own interfaces are exported.
    pub front: Option<&'a [u8]>,
}

/// Composes them.
///
/// # Errors
/// When the connector imports what no host offers, or lacks what the front needs; or a part is no component.
pub fn compose(parts: Parts<'_>) -> Result<Vec<u8>> {
    // An export may only name types that are imported or exported themselves, so those of the connector's
    // interfaces stay imports where these are exported.
    let types_are_imported = parts.front.is_none();
    let mut graph = Graph { graph: CompositionGraph::new(), types_are_imported };
    let connector = graph.register("connector", parts.connector)?;
    for import in graph.imports(connector) {
        let is_hosts = IMPORTS.iter().any(|name| import == format!("connector:host/{name}@0.2.0"));
        if !is_hosts && !import.starts_with("connector:api/") {
            bail!("H-1: the connector imports {import}, which no host offers");
        }
    }
    let silent = graph.register("silent", parts.silent)?;
    let silent = graph.instantiate(silent, &[])?;
    // `catalog` and `derived` are its, and nothing else is.
    let quiet = Instance { is_quiet: true, ..graph.instantiate(connector, &[silent])? };
    let mut offers = vec![quiet, silent];
    if let Some(environment) = parts.environment {
        let environment = graph.register("environment", environment)?;
        offers.push(graph.instantiate(environment, &[])?);
    }
    let adapter = graph.register("adapter", parts.adapter)?;
    let adapter = graph.instantiate(adapter, &offers)?;
    let acting = graph.instantiate(connector, &[adapter, silent])?;
    match parts.front {
        Some(front) => {
            let front = graph.register("front", front)?;
            offers.extend([acting, adapter]);
            let front = graph.instantiate(front, &offers)?;
            graph.export(front, HANDLER)?;
        }
        None => {
            for name in graph.exports(connector) {
                let from = if QUIET.contains(&name.as_str()) { quiet } else { acting };
                graph.export(from, &name)?;
            }
            graph.export(adapter, CALLS)?;
        }
    }
    graph.graph.encode(EncodeOptions::default()).context("the parts do not fit together")
}

/// An instance of a package.
#[derive(Clone, Copy)]
struct Instance {
    node: NodeId,
    package: PackageId,
    /// Answers what sends nothing, and nothing else.
    is_quiet: bool,
}

struct Graph {
    graph: CompositionGraph,
    types_are_imported: bool,
}

impl Graph {
    fn register(&mut self, name: &str, bytes: &[u8]) -> Result<PackageId> {
        let package = Package::from_bytes(name, None, bytes.to_vec(), self.graph.types_mut());
        let package = package.with_context(|| format!("the {name} is no component"))?;
        Ok(self.graph.register_package(package)?)
    }

    fn imports(&self, package: PackageId) -> Vec<String> {
        let world = &self.graph.types()[self.graph[package].ty()];
        world.imports.keys().cloned().collect()
    }

    fn exports(&self, package: PackageId) -> Vec<String> {
        let world = &self.graph.types()[self.graph[package].ty()];
        world.exports.keys().cloned().collect()
    }

    /// An instance of `package`. Each import is the first of `offers` that has it; what none has but
    /// WASI is left to the platform.
    fn instantiate(&mut self, package: PackageId, offers: &[Instance]) -> Result<Instance> {
        let node = self.graph.instantiate(package);
        for import in self.imports(package) {
            if self.types_are_imported && TYPES.contains(&import.as_str()) {
                continue;
            }
            let offer = offers.iter().find(|offer| {
                let is_answered = !offer.is_quiet || QUIET.contains(&import.as_str());
                is_answered && self.exports(offer.package).contains(&import)
            });
            match offer {
                Some(offer) => {
                    let export = self.graph.alias_instance_export(offer.node, &import)?;
                    self.graph.set_instantiation_argument(node, &import, export)?;
                }
                None if import.starts_with("wasi:") => {}
                None => bail!("the connector does not offer {import}, which is needed"),
            }
        }
        Ok(Instance { node, package, is_quiet: false })
    }

    fn export(&mut self, from: Instance, name: &str) -> Result<()> {
        let export = self.graph.alias_instance_export(from.node, name)?;
        Ok(self.graph.export(export, name)?)
    }
}
