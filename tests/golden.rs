//! Contracts that others build on. A change shows here first; `make bless` accepts it.

use std::path::Path;

use host_harness::runtime::Connector;
use wit_component::{DecodedWasm, WitPrinter, decode};

use crate::support::{component, host_command, runtime};

/// Compares `actual` with the golden file `name`, or rewrites it when blessing.
pub fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} has changed; if that is wanted run `make bless` and read the difference"
    );
}

async fn connector() -> Connector {
    runtime().load(&component()).await.unwrap()
}

fn host(arguments: &[&str]) -> String {
    let output = host_command().args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Design promise 1: its imports are its permissions.
#[tokio::test]
async fn the_component_imports_five_interfaces_and_types() {
    let mut imports = connector().await.facts().imports.clone();
    imports.sort();
    assert_eq!(
        imports,
        [
            "connector:api/objects@0.2.0",
            "connector:api/permissions@0.2.0",
            "connector:api/setup@0.2.0",
            "connector:api/types@0.2.0",
            "connector:host/clock@0.2.0",
            "connector:host/http@0.2.0",
            "connector:host/log@0.2.0",
            "connector:host/secrets@0.2.0",
            "connector:host/settings@0.2.0",
        ]
    );
}

/// The contract as the built component has it, not as the files say.
#[test]
fn golden_contract() {
    let bytes = std::fs::read(component()).unwrap();
    let DecodedWasm::Component(resolve, world) = decode(&bytes).unwrap() else {
        panic!("a component")
    };
    let package = resolve.worlds[world].package.unwrap();
    let others: Vec<_> =
        resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != package).collect();
    let mut printer = WitPrinter::default();
    printer.print(&resolve, package, &others).unwrap();
    golden("contract.wit", &sorted(&printer.output.to_string()));
}

/// WIT in the order of names: the linker orders interfaces, and the types in them, otherwise whenever
/// some code changes.
fn sorted(wit: &str) -> String {
    let with_items_sorted = |member: &str| {
        let Some((head, items)) = member.split_once(" {\n    ") else {
            return member.trim_end().to_owned();
        };
        let items = items.trim_end();
        let mut items: Vec<&str> =
            items.strip_suffix("\n  }").unwrap_or(items).split("\n\n    ").collect();
        items.sort_unstable();
        format!("{head} {{\n    {}\n  }}", items.join("\n\n    "))
    };
    let pieces = |text: &str, mark: &str| -> Vec<String> {
        let mut pieces: Vec<String> = text.split(mark).map(str::to_owned).collect();
        pieces[1..].sort_unstable();
        pieces
    };
    let packages = pieces(wit, "\npackage ").into_iter().map(|package| {
        let separator = if package.contains("world root") { "\n  " } else { "\n  interface " };
        let package = package.trim_end().trim_end_matches('}').trim_end();
        let members = pieces(package, separator);
        format!(
            "{}\n}}\n",
            members.iter().map(|it| with_items_sorted(it)).collect::<Vec<_>>().join(separator)
        )
    });
    packages.collect::<Vec<_>>().join("\npackage ")
}

#[test]
fn golden_manifest() {
    let component = component();
    let shown = host(&["--component", component.to_str().unwrap(), "inspect", "--output", "json"]);
    let mut shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    // What differs from build to build is no contract.
    for member in ["file", "size", "sha256", "bytes", "path"] {
        shown.as_object_mut().unwrap().remove(member);
    }
    golden("manifest.json", &format!("{}\n", serde_json::to_string_pretty(&shown).unwrap()));
}

/// Every object of the manifest; no list of objects stands here.
#[tokio::test]
async fn golden_descriptions() {
    let component = component();
    for object in &connector().await.manifest().objects {
        let arguments = [
            "--component",
            component.to_str().unwrap(),
            "describe",
            &object.name,
            "--output",
            "json",
        ];
        let shown: serde_json::Value = serde_json::from_str(&host(&arguments)).unwrap();
        let text = format!("{}\n", serde_json::to_string_pretty(&shown).unwrap());
        golden(&format!("describe/{}.json", object.name), &text);
    }
}

#[test]
fn golden_help() {
    let help = host(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| *name != "help") {
        golden(&format!("help/{name}.txt"), &host(&[name, "--help"]));
    }
    golden("help.txt", &help);
}
