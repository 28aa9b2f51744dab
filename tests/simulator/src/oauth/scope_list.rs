//! Lists of scopes as text (RFC 6749, 3.3).

use super::refusal::Refusal;
use crate::scopes::Scope;

/// Reads a list that holds at least one scope, and only those of the API. A scope that comes twice
/// counts once.
pub(super) fn read(text: &str, separator: char) -> Result<Vec<Scope>, Refusal> {
    let mut scopes: Vec<Scope> = Vec::new();
    for name in text.split(separator).filter(|name| !name.is_empty()) {
        let scope = name.parse();
        let scope = scope.map_err(|_| Refusal::invalid_scope("A scope is not known."))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(Refusal::invalid_scope("The scope is missing."));
    }
    Ok(scopes)
}

/// Writes a list.
pub(super) fn write(scopes: &[Scope], separator: char) -> String {
    let names: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
    names.join(&separator.to_string())
}
