//! Makes the connection that a command uses: a kept one, or one of the options alone; and says what
//! one that is kept anew begins with.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use anyhow::Result;
use host_harness::contract::setup::{Scheme, SecretField};
use host_harness::grants::{Grants, Renewals};
use host_harness::runtime::{Builder, Connection, Connector, SCHEME};
use host_harness::service::own_writes::RecordWriter;
use host_harness::store::GrantRow;
use host_harness::vault::VaultKeep;

use super::context::{Context, with_row};
use super::input::{pair, pairs};
use super::options::Limits;
use super::secret_value::variable;
use super::state::{OpenState, StoredConnection};
use super::usage::{Usage, unknown};

impl Context {
    /// Makes the connection: the kept one that the options choose, else of the options alone.
    /// Sends nothing.
    ///
    /// # Errors
    /// When a setting, secret or origin does not fit, or the kept one cannot be used.
    pub async fn connect(&self, connector: &Connector) -> Result<Connection> {
        self.connect_to(connector, StoredConnection::of(self, connector).await?).await
    }

    /// As [`Context::connect`], with what writes records by it: what is kept of a kept connection has them
    /// at once.
    ///
    /// # Errors
    /// As [`Context::connect`].
    pub async fn writer(&self, connector: &Connector) -> Result<(Connection, RecordWriter)> {
        let kept = StoredConnection::of(self, connector).await?;
        let mirror =
            kept.as_ref().map(|it| (Arc::clone(&it.state.database) as _, it.row.id.clone()));
        let connection = self.connect_to(connector, kept).await?;
        Ok((connection.clone(), RecordWriter::new(connection, mirror)))
    }

    /// As [`Context::connect`], to this kept connection, or of the options alone.
    ///
    /// # Errors
    /// As [`Context::connect`].
    pub async fn connect_to(
        &self,
        connector: &Connector,
        kept: Option<StoredConnection>,
    ) -> Result<Connection> {
        Ok(self.connect_with_grant(connector, kept).await?.0)
    }

    /// As [`Context::connect_to`], with the grant that the connection lives on.
    ///
    /// # Errors
    /// As [`Context::connect`].
    pub async fn connect_with_grant(
        &self,
        connector: &Connector,
        kept: Option<StoredConnection>,
    ) -> Result<(Connection, Option<Grants>)> {
        let mut builder = self.surroundings(connector);
        let mut chosen = None;
        let mut names = Vec::new();
        let (mut lives_on_grant, mut is_doubtful) = (false, false);
        if let Some(kept) = &kept {
            let secrets = kept.secrets().await?;
            names = secrets.names();
            let grant = kept.state.vault.store().grant(&kept.row.id).await?;
            lives_on_grant = grant.is_some();
            is_doubtful = grant.as_ref().is_some_and(GrantRow::is_doubtful);
            builder = with_kept(builder, kept, grant.as_ref()).secrets(secrets);
            if self.options.limits == Limits::Manifest {
                builder = builder.limiter(self.limiter(Arc::clone(&kept.state.database) as _));
            }
            chosen = Some(kept.row.scheme.as_str());
        }
        for (name, value) in pairs("--setting", &self.repeated.settings)? {
            if name == SCHEME {
                chosen = Some(value);
            }
            builder = builder.setting(name, value);
        }
        for given in &self.repeated.secrets {
            let (name, given) = pair("--secret-env", "NAME=VARIABLE", given)?;
            builder = builder.secret(name, variable(&format!("--secret-env {name}="), given)?);
            names.push(name.to_owned());
        }
        let whose = kept.as_ref().map(|kept| kept.row.name.as_str());
        let schemes = &connector.manifest().schemes;
        check_scheme(schemes, chosen, &names, whose)?;
        let mut connection = builder.build().await?;
        let mut grant = None;
        if let Some(StoredConnection { state: OpenState { vault, .. }, row }) = kept
            && (lives_on_grant
                || schemes.iter().any(|scheme| scheme.interactive && scheme.name == row.scheme))
        {
            let (store, key) = (Arc::clone(vault.store()), vault.key(&row)?);
            let grants = Grants::of(&connection, store, row.id, key);
            if is_doubtful {
                grants.recover();
            }
            connection = connection.with_tokens(Arc::new(grants.clone()));
            let mut all = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
            // A program that runs long makes connections anew.
            all.retain(Renewals::may_come);
            all.push(grants.renewals());
            grant = Some(grants);
        }
        Ok((connection, grant))
    }
}

/// `builder` as [`with_row`], with what the connector learned, and with the vault to keep in.
pub fn with_kept(builder: Builder, kept: &StoredConnection, grant: Option<&GrantRow>) -> Builder {
    let keep = VaultKeep { vault: Arc::clone(&kept.state.vault), row: kept.row.clone() };
    // What a grant and a secret last until is judged alike by all hosts.
    let builder = builder.clock(kept.state.clock());
    let mut builder = with_row(builder, &kept.row).id(&kept.row.id).keep(Arc::new(keep));
    if let Some(grant) = grant {
        builder = builder.learned(grant.learned.settings.clone());
        if let Some(account) = &grant.learned.account {
            builder = builder.account(&account.id);
        }
    }
    builder
}

/// Scheme and settings of a connection that is made. `chosen`: the scheme that `option` names; the
/// connector's first without.
///
/// # Errors
/// [`Usage`] for an unknown scheme or setting.
pub fn new_connection(
    context: &Context,
    connector: &Connector,
    chosen: Option<&str>,
    option: &str,
) -> Result<(Scheme, BTreeMap<String, String>)> {
    let mut settings = BTreeMap::new();
    for (name, value) in pairs("--setting", &context.repeated.settings)? {
        if name == SCHEME {
            return Err(Usage::new("the scheme of a kept connection is no setting")
                .next(format!("give {option} {value}"))
                .into());
        }
        connector.check_setting(name, value, context.address_space())?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    let scheme = named_scheme(&connector.manifest().schemes, chosen)?.clone();
    Ok((scheme, settings))
}

/// The scheme of this name; the first without.
///
/// # Errors
/// [`Usage`] with those that there are.
pub fn named_scheme<'a>(schemes: &'a [Scheme], name: Option<&str>) -> Result<&'a Scheme, Usage> {
    let is_named = |scheme: &&Scheme| name.is_none_or(|name| scheme.name == name);
    schemes.iter().find(is_named).ok_or_else(|| {
        let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name.as_str()).collect();
        unknown("scheme", name.unwrap_or_default(), &names)
    })
}

/// Whether there is such a scheme, and every secret that it needs. Schemes that ask
/// a browser get theirs otherwise. `whose`: the kept connection that was looked into.
fn check_scheme(
    schemes: &[Scheme],
    chosen: Option<&str>,
    given: &[String],
    whose: Option<&str>,
) -> Result<(), Usage> {
    if schemes.is_empty() && chosen.is_none() {
        return Ok(());
    }
    let scheme = named_scheme(schemes, chosen)?;
    let is_missing = |field: &&SecretField| field.required && !given.contains(&field.name);
    let missing = scheme.secrets.iter().find(is_missing).filter(|_| !scheme.interactive);
    let Some(field) = missing else { return Ok(()) };
    let (name, whole) = (&field.name, "the connection has no secret");
    let text =
        format!("{whole} \"{name}\" ({}), which the scheme {} needs", field.title, scheme.name);
    Err(Usage::new(text).next(match whose {
        Some(whose) => format!("keep it with `secrets set {name} --connection {whose}`"),
        None => format!(
            "keep it with `connect`, or put it into an environment variable and give --secret-env \
             {name}=VARIABLE"
        ),
    }))
}

#[cfg(test)]
mod tests {
    use host_harness::contract::setup::Setter;

    use super::*;

    fn scheme(name: &str, interactive: bool, field: &str) -> Scheme {
        let (name, title) = (name.to_owned(), name.to_owned());
        let field = SecretField {
            name: field.to_owned(),
            title: "Key".to_owned(),
            required: true,
            setter: Setter::Customer,
        };
        Scheme { name, title, secrets: vec![field], interactive }
    }

    #[test]
    fn a_scheme_needs_its_secrets() {
        let schemes = [scheme("key", false, "api-key"), scheme("oauth2", true, "client")];
        assert!(check_scheme(&schemes, None, &["api-key".to_owned()], None).is_ok());
        assert!(check_scheme(&schemes, Some("oauth2"), &[], None).is_ok());
        assert!(check_scheme(&[], None, &[], None).is_ok());
        let missing = check_scheme(&schemes, None, &[], Some("shop")).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the connection has no secret \"api-key\" (Key), which the scheme key needs"
        );
        let wrong = check_scheme(&schemes, Some("kez"), &[], None).unwrap_err();
        assert_eq!(wrong.to_string(), "unknown scheme \"kez\"; known: key, oauth2");
    }
}
