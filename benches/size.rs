//! Size of the component, by part.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::report::Report;

/// Sections of a core module that are worth a line (WebAssembly core, section 5.5.2).
const CODE: u8 = 10;
const DATA: u8 = 11;
/// The section of a component that holds a core module (component model, Binary.md).
const CORE_MODULE: u8 = 1;

/// Adds up what the file consists of.
pub fn measure(component: &Path, report: &mut Report) -> Result<()> {
    let bytes = std::fs::read(component)?;
    let (mut code, mut data) = (0, 0);
    for (_, module) in sections(&bytes)?.into_iter().filter(|(id, _)| *id == CORE_MODULE) {
        for (id, section) in sections(module)? {
            match id {
                CODE => code += section.len(),
                DATA => data += section.len(),
                _ => {}
            }
        }
    }
    let total = bytes.len();
    let kb = |bytes: usize| format!("{:.1} KB", bytes as f64 / 1000.0);
    report.add("component", kb(total), "target 250 KB".to_owned());
    report.add("— code", kb(code), String::new());
    report.add("— data: schemas and texts", kb(data), String::new());
    report.add("— interface types and the rest", kb(total - code - data), String::new());
    Ok(())
}

/// Id and content of each section of a module or component.
fn sections(bytes: &[u8]) -> Result<Vec<(u8, &[u8])>> {
    let mut rest = bytes.get(8..).context("no WebAssembly")?;
    let mut found = Vec::new();
    while let Some((id, after)) = rest.split_first() {
        let (length, after) = leb128(after).context("a cut section")?;
        let (section, next) = after.split_at_checked(length).context("a cut section")?;
        found.push((*id, section));
        rest = next;
    }
    Ok(found)
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}
