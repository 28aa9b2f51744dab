//! What a connection that is made begins with.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use host_harness::runtime::bindings::auth::Scheme;
use host_harness::runtime::{Connector, SCHEME};

use super::context::Context;
use super::errors::Usage;
use super::input::pair;
use super::nearest::unknown;

/// Scheme and settings of a connection that is made.
pub struct Fresh {
    /// How it authenticates.
    pub scheme: Scheme,
    /// As `--setting` gives them.
    pub settings: BTreeMap<String, String>,
}

/// Checks what is given. `chosen`: the scheme that `option` names; the connector's first without.
///
/// # Errors
/// [`Usage`] for an unknown scheme or setting.
pub async fn fresh(
    context: &Context,
    connector: &Connector,
    chosen: Option<&str>,
    option: &str,
) -> Result<Fresh> {
    let mut settings = BTreeMap::new();
    for given in &context.repeated.settings {
        let (name, value) = pair("--setting", "NAME=VALUE", given)?;
        if name == SCHEME {
            return Err(Usage::new("the scheme of a kept connection is no setting")
                .next(format!("give {option} {value}"))
                .into());
        }
        connector.check_setting(name)?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    let schemes = connector.schemes().await.context("asking for the schemes")?;
    Ok(Fresh { scheme: named(schemes, chosen)?, settings })
}

/// The scheme of this name; the first without.
///
/// # Errors
/// [`Usage`] with those that there are.
pub fn named(schemes: Vec<Scheme>, chosen: Option<&str>) -> Result<Scheme, Usage> {
    let names: Vec<String> = schemes.iter().map(|scheme| scheme.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let wanted = chosen.or(names.first().copied()).unwrap_or_default();
    let found = schemes.into_iter().find(|scheme| scheme.name == wanted);
    found.ok_or_else(|| unknown("scheme", wanted, &names))
}
