//! What a connection that is made begins with.

use std::collections::BTreeMap;

use anyhow::Result;
use host_harness::contract::setup::Scheme;
use host_harness::runtime::{Connector, SCHEME};

use super::context::Context;
use super::input::pair;
use super::nearest::unknown;
use super::usage::Usage;

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
pub fn fresh(
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
        connector.check_setting(name, value, context.options.allow_private)?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    Ok(Fresh { scheme: named(connector, chosen)?.clone(), settings })
}

/// The scheme of this name; the first without.
///
/// # Errors
/// [`Usage`] with those that there are.
pub fn named<'a>(connector: &'a Connector, chosen: Option<&str>) -> Result<&'a Scheme, Usage> {
    connector.scheme(chosen).ok_or_else(|| {
        let schemes = connector.manifest().schemes.iter();
        let names: Vec<&str> = schemes.map(|scheme| scheme.name.as_str()).collect();
        unknown("scheme", chosen.unwrap_or_default(), &names)
    })
}
