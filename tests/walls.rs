//! The walls inside the host: which crate depends on which, and which folder imports from which.
//! Each test prints what it finds; see it with `--nocapture`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The host's crates, by their folders: each with the host's crates that it may depend on.
const CRATES: [(&str, &str, &[&str]); 11] = [
    ("connector-contract", "contract", &[]),
    ("connector-policy", "policy", &["connector-contract"]),
    ("connector-runtime", "runtime", &["connector-contract", "connector-policy"]),
    ("connector-registry", "registry", &["connector-contract", "connector-runtime"]),
    ("connector-state", "state", &["connector-contract"]),
    ("connector-state-postgres", "state-postgres", &["connector-contract", "connector-state"]),
    ("connector-state-sqlite", "state-sqlite", &["connector-contract", "connector-state"]),
    (
        "connector-service",
        "service",
        &["connector-contract", "connector-runtime", "connector-state"],
    ),
    (
        "connector-server",
        "server",
        &["connector-contract", "connector-runtime", "connector-service", "connector-state"],
    ),
    ("connector-verify", "verify", &["connector-contract", "connector-runtime"]),
    (
        "host-harness",
        ".",
        &[
            "connector-contract",
            "connector-registry",
            "connector-runtime",
            "connector-server",
            "connector-service",
            "connector-state",
            "connector-state-postgres",
            "connector-state-sqlite",
            "connector-verify",
        ],
    ),
];

/// What stays behind a wall: only these crates of the host may depend on it.
const BEHIND: [(&str, &[&str]); 10] = [
    ("axum", &["connector-server"]),
    ("chacha20poly1305", &["connector-service"]),
    ("clap", &["host-harness"]),
    ("comfy-table", &["host-harness"]),
    ("indicatif", &["host-harness"]),
    ("rusqlite", &["connector-state-sqlite"]),
    (
        "rustls",
        &["connector-runtime", "connector-service", "connector-state-postgres", "connector-verify"],
    ),
    ("tokio-postgres", &["connector-state-postgres"]),
    ("tracing-subscriber", &["host-harness"]),
    ("wasmtime", &["connector-runtime"]),
];

#[test]
fn crates_depend_downwards_alone() {
    for (name, folder, may) in CRATES {
        let manifest = fs::read_to_string(root(folder).join("Cargo.toml")).unwrap();
        let all = dependencies(&manifest);
        let is_ours = |one: &&String| CRATES.iter().any(|(name, ..)| name == one);
        let ours: Vec<&String> = all.iter().filter(is_ours).collect();
        println!("{name} -> {ours:?}");
        let wrong: Vec<_> = ours.iter().filter(|one| !may.contains(&one.as_str())).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
        for (other, by) in BEHIND {
            let allowed = by.contains(&name);
            assert!(allowed || !all.contains(other), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn no_folder_is_in_a_circle() {
    for (name, folder, _) in CRATES {
        let source = root(folder).join("src");
        let files = files(&source);
        let folders: BTreeSet<Vec<String>> = files
            .iter()
            .flat_map(|file| (0..file.module.len()).map(|n| file.module[..n].to_vec()))
            .collect();
        for at in folders {
            let graph = graph(&at, &files);
            for (from, to) in &graph {
                println!("{name}::{}: {from} -> {to:?}", at.join("::"));
            }
            let is_folder = |unit: &String| {
                let below = [at.as_slice(), std::slice::from_ref(unit)].concat();
                files
                    .iter()
                    .any(|file| file.module.starts_with(&below) && file.module.len() > below.len())
            };
            let circles =
                graph.keys().filter(|unit| is_folder(unit) && reaches(&graph, unit, unit));
            let circles: Vec<_> = circles.collect();
            assert!(
                circles.is_empty(),
                "{name}: {circles:?} of {at:?} import themselves by others"
            );
        }
    }
}

/// The program has few folders, so its files are looked at too.
#[test]
fn no_file_of_the_command_line_is_in_a_circle() {
    let graph = graph(&["cli".to_owned()], &files(&root(".").join("src")));
    assert!(graph.len() > 30, "only {} files are seen", graph.len());
    let circles: Vec<_> = graph.keys().filter(|unit| reaches(&graph, unit, unit)).collect();
    assert!(circles.is_empty(), "{circles:?} import themselves by others");
}

/// What leads out of a circle is in none.
#[test]
fn a_circle_is_found() {
    let text = "use super::b::{self, c::D};\nfn f() { crate::x::y() } // crate::not_me";
    let paths = imports(text, &["a".to_owned()]);
    let paths: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["b::self", "b::c::D", "x::y"]);
    let edge = |from: &str, to: &str| (from.to_owned(), BTreeSet::from([to.to_owned()]));
    let graph = BTreeMap::from([edge("a", "b"), edge("b", "c"), edge("c", "b")]);
    assert_eq!(["a", "b", "c"].map(|it| reaches(&graph, it, it)), [false, true, true]);
}

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("host-harness").join(folder)
}

/// Names of what a crate depends on; what its tests need does not count.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut counts = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            counts = line.ends_with("dependencies]") && !line.contains("dev-dependencies");
        } else if counts && let Some((name, _)) = line.split_once(['.', ' ', '=']) {
            found.insert(name.to_owned());
        }
    }
    found
}

struct File {
    /// Where it is in its crate: `egress::limiter::room`.
    module: Vec<String>,
    imports: Vec<Vec<String>>,
    /// Names that it hands on, each with the module below it that they are from.
    hands_on: BTreeMap<String, String>,
}

/// The files below a crate's `src`, without its tests.
fn files(source: &Path) -> Vec<File> {
    let mut all = Vec::new();
    let mut open = vec![(source.to_owned(), Vec::new())];
    while let Some((folder, module)) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let below = [module.as_slice(), std::slice::from_ref(&name)].concat();
            if name == "tests" || name == "main" {
                continue;
            }
            if path.is_dir() {
                open.push((path, below));
            } else if path.extension().is_some_and(|it| it == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let module = if name == "mod" || name == "lib" { module.clone() } else { below };
                all.push(File {
                    imports: imports(&text, &module),
                    hands_on: hands_on(&text),
                    module,
                });
            }
        }
    }
    all
}

/// Code without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every path of the crate that `text` names, from the crate's root on.
fn imports(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let text = code(text);
    let mut found = Vec::new();
    for (begins, from) in [("super::", module), ("crate::", &[])] {
        for (at, _) in text.match_indices(begins) {
            let (before, rest) = text.split_at(at);
            if before.ends_with("super::") {
                continue;
            }
            let mut rest = rest.strip_prefix(begins).unwrap_or(rest);
            let mut from = from.to_vec();
            if begins == "super::" {
                from.pop();
                while let Some(further) = rest.strip_prefix("super::") {
                    from.pop();
                    rest = further;
                }
            }
            tree(&mut rest, &from, &mut found);
        }
    }
    found
}

/// Reads `a::{b, c::D}`.
fn tree(rest: &mut &str, from: &[String], found: &mut Vec<Vec<String>>) {
    if let Some(mut list) = rest.strip_prefix('{') {
        loop {
            list = list.trim_start_matches([',', ' ', '\n']);
            if list.is_empty() || list.starts_with('}') {
                break;
            }
            let before = list.len();
            tree(&mut list, from, found);
            list = list.find([',', '}']).map_or(list, |end| list.split_at(end).1);
            if list.len() == before {
                break;
            }
        }
        *rest = list.strip_prefix('}').unwrap_or(list);
        return;
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, further) = rest.split_at(end);
    let path = [from, &[name.to_owned()]].concat();
    match further.strip_prefix("::") {
        Some(further) => {
            *rest = further;
            tree(rest, &path, found);
        }
        None => {
            *rest = further;
            found.push(path);
        }
    }
}

/// `pub use self::a::{B, C}`: B and C, each from a.
fn hands_on(text: &str) -> BTreeMap<String, String> {
    let text = code(text);
    let mut found = BTreeMap::new();
    let all = text.match_indices("pub use self::");
    for (at, begins) in all.chain(text.match_indices("pub(crate) use self::")) {
        let mut paths = Vec::new();
        let mut rest = text.split_at(at + begins.len()).1;
        tree(&mut rest, &[], &mut paths);
        for path in paths {
            if let [module, .., name] = path.as_slice() {
                found.insert(name.clone(), module.clone());
            }
        }
    }
    found
}

/// Which of the files and folders of the module `at` imports from which others of them.
fn graph(at: &[String], files: &[File]) -> BTreeMap<String, BTreeSet<String>> {
    let unit = |module: &[String]| module.strip_prefix(at).and_then(|below| below.first().cloned());
    let units: BTreeSet<String> = files.iter().filter_map(|file| unit(&file.module)).collect();
    let none = BTreeMap::new();
    let own = files.iter().find(|file| file.module == at);
    let hands_on = own.map_or(&none, |file| &file.hands_on);
    let mut graph = BTreeMap::<String, BTreeSet<String>>::new();
    for file in files {
        let Some(from) = unit(&file.module) else { continue };
        let named = file.imports.iter().filter_map(|path| unit(path));
        let to = named.filter_map(|name| match units.contains(&name) {
            true => Some(name),
            false => hands_on.get(&name).cloned(),
        });
        graph.entry(from.clone()).or_default().extend(to.filter(|to| *to != from));
    }
    graph
}

/// Whether a way of one step or more leads from `from` to `to`.
fn reaches(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for next in graph.get(at).into_iter().flatten() {
            if next == to {
                return true;
            }
            if seen.insert(next.as_str()) {
                open.push(next);
            }
        }
    }
    false
}
