//! How SQLite goes about the statements that run often, or over much: as text that a test compares
//! with a file, so that a statement that begins to walk a table is noticed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;

/// The plan of each statement, under its name. `small`: tables, by the names that the statements give
/// them, that may be read whole because they do not grow with what is kept.
///
/// # Panics
/// When a statement is wrong, or reads another table or index whole.
pub fn text(on: &Connection, statements: &[(&str, &str)], small: &[&str]) -> String {
    let mut text = String::new();
    for (name, sql) in statements {
        writeln!(text, "{name}").unwrap();
        let mut statement = on.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        // Parameters stay unbound: a plan does not depend on them.
        let mut steps = statement.raw_query();
        let mut depths = BTreeMap::from([(0, 0)]);
        while let Some(step) = steps.next().unwrap() {
            let (id, parent): (i64, i64) = (step.get("id").unwrap(), step.get("parent").unwrap());
            let detail: String = step.get("detail").unwrap();
            let depth = depths.get(&parent).copied().unwrap_or_default() + 1;
            depths.insert(id, depth);
            writeln!(text, "{}{detail}", "    ".repeat(depth)).unwrap();
            if let Some(scanned) = detail.strip_prefix("SCAN ") {
                let table = scanned.split(' ').next().unwrap();
                let may = small.contains(&table) || scanned == "CONSTANT ROW";
                assert!(may, "{name} reads all of {table}: {detail}");
            }
        }
    }
    text
}

/// Compares with a file of this crate, by its path in `src`; with `BLESS=1` writes it instead.
///
/// # Panics
/// When they differ.
pub fn check(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{} is not what it was; BLESS=1 writes it:\n{text}", path.display());
}
