//! What every command starts from: the connector, and a connection made of the options.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use host_harness::contract::setup::Scheme;
use host_harness::egress::Connect;
use host_harness::grants::{Grants, Renewals};
use host_harness::retry::{Caller, Policy};
use host_harness::runtime::{Builder, Connection, Connector, Runtime, RuntimeOptions, SCHEME};
use host_harness::store::{ConnectionRow, GrantRow};
use host_harness::vault::{Secret, VaultKeep};
use zeroize::Zeroizing;

use super::cache;
use super::errors::Usage;
use super::input::pair;
use super::nearest::unknown;
use super::options::{Limits, Options, Repeated};
use super::output::Form;
use super::shutdown::Shutdown;
use super::state::Kept;
use super::watch::Watch;

/// Options of one call of the program, and who watches it.
pub struct Context {
    /// Given once.
    pub options: Options,
    /// Given several times.
    pub repeated: Repeated,
    /// Progress, trace, log.
    pub watch: Arc<Watch>,
    /// The renewals of the grants that the command's connections live on.
    pub grants: Arc<Mutex<Vec<Renewals>>>,
    /// Whether the program has been asked to end.
    pub shutdown: Shutdown,
    /// How it reaches the network.
    pub network: Arc<dyn Connect>,
}

impl Context {
    /// The form in which records are printed.
    #[must_use]
    pub fn form(&self) -> Form {
        self.options.output.unwrap_or_else(Form::usual)
    }

    /// As [`Context::form`], for what has no rows.
    ///
    /// # Errors
    /// [`Usage`] for CSV.
    pub fn document_form(&self) -> Result<Form, Usage> {
        match self.form() {
            Form::Csv => Err(Usage::new("this has no rows, so it cannot be CSV")
                .next("use --output table or --output json")),
            form => Ok(form),
        }
    }

    /// Loads the connector.
    ///
    /// # Errors
    /// When none is named, or the file is none.
    pub async fn connector(&self) -> Result<Connector> {
        let component = self.component()?;
        self.watch.start();
        Ok(self.runtime()?.load(&component).await?)
    }

    /// Loads the connector, and checks that it has `object`.
    ///
    /// # Errors
    /// As [`Context::connector`]; and [`Usage`] for an unknown object.
    pub async fn connector_with(&self, object: &str) -> Result<Connector> {
        let connector = self.connector().await?;
        let objects = connector.manifest().objects.iter();
        let names: Vec<&str> = objects.map(|object| object.name.as_str()).collect();
        if !names.contains(&object) {
            return Err(unknown("object", object, &names).into());
        }
        Ok(connector)
    }

    /// Makes the connection: the kept one that the options choose, else of the options alone.
    /// Sends nothing.
    ///
    /// # Errors
    /// When a setting, secret or origin does not fit, or the kept one cannot be used.
    pub async fn connect(&self, connector: &Connector) -> Result<Caller> {
        self.connect_to(connector, Kept::of(self, connector).await?).await
    }

    /// As [`Context::connect`], to this kept connection, or of the options alone.
    ///
    /// # Errors
    /// As [`Context::connect`].
    pub async fn connect_to(&self, connector: &Connector, kept: Option<Kept>) -> Result<Caller> {
        Ok(self.connect_with_grant(connector, kept).await?.0)
    }

    /// As [`Context::connect_to`], with the grant that the connection lives on.
    ///
    /// # Errors
    /// As [`Context::connect`].
    pub async fn connect_with_grant(
        &self,
        connector: &Connector,
        kept: Option<Kept>,
    ) -> Result<(Caller, Option<Grants>)> {
        let mut builder = self.surroundings(connector);
        let mut chosen = None;
        let mut names = Vec::new();
        let mut lives_on_grant = false;
        if let Some(kept) = &kept {
            let secrets = kept.secrets().await?;
            names = secrets.names();
            let grant = kept.vault.store().grant(&kept.row.id).await?;
            lives_on_grant = grant.is_some();
            builder = with_kept(builder, kept, grant.as_ref()).secrets(secrets);
            if self.options.limits == Limits::Manifest {
                builder = builder.limiter(kept.limiter());
            }
            chosen = Some(kept.row.scheme.as_str());
        }
        for given in &self.repeated.settings {
            let (name, value) = pair("--setting", "NAME=VALUE", given)?;
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
        if let Some(Kept { vault, row, .. }) = kept
            && (lives_on_grant
                || schemes.iter().any(|scheme| scheme.interactive && scheme.name == row.scheme))
        {
            let (store, key) = (Arc::clone(vault.store()), vault.key(&row)?);
            let grants = Grants::of(&connection, store, row.id, key);
            connection = connection.with_tokens(Arc::new(grants.clone()));
            let mut all = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
            // A program that runs long makes connections anew.
            all.retain(Renewals::may_come);
            all.push(grants.renewals());
            grant = Some(grants);
        }
        Ok((Caller::new(connection, Policy::default()), grant))
    }

    /// A connection as the options surround it, without settings and secrets.
    pub fn surroundings(&self, connector: &Connector) -> Builder {
        let builder = Connection::builder(connector)
            .allow_private(self.options.allow_private)
            .ca(self.options.ca.clone())
            .network(Arc::clone(&self.network))
            .observer(Arc::clone(&self.watch) as _);
        match self.options.limits {
            Limits::Manifest => builder,
            Limits::Off => builder.without_limits(),
        }
    }

    fn component(&self) -> Result<PathBuf, Usage> {
        match &self.options.component {
            Some(file) if !file.is_empty() => Ok(file.into()),
            _ => Err(Usage::new("no connector is named")
                .next("give --component FILE, or set CONNECTOR_COMPONENT to the file")),
        }
    }

    fn runtime(&self) -> Result<Runtime> {
        let options = RuntimeOptions {
            cache: cache::directory(self.options.cache.as_deref()),
            ..RuntimeOptions::default()
        };
        match Runtime::new(&options) {
            Ok(runtime) => Ok(runtime),
            // A cache only saves time, so one that fails must not cost the call.
            Err(_) if options.cache.is_some() => {
                let cache = None;
                Ok(Runtime::new(&RuntimeOptions { cache, ..options })?)
            }
            Err(why) => Err(why).context("starting the sandbox"),
        }
    }
}

/// `builder` with the scheme and the settings of `row`.
pub fn with_row(builder: Builder, row: &ConnectionRow) -> Builder {
    let builder = builder.setting(SCHEME, &row.scheme);
    row.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value))
}

/// `builder` as [`with_row`], with what the connector learned, and with the vault to keep in.
pub fn with_kept(builder: Builder, kept: &Kept, grant: Option<&GrantRow>) -> Builder {
    let keep = VaultKeep::new(Arc::clone(&kept.vault), kept.row.clone());
    let mut builder = with_row(builder, &kept.row).id(&kept.row.id).keep(Arc::new(keep));
    if let Some(grant) = grant {
        builder = builder.learned(grant.learned.settings.clone());
        if let Some(account) = &grant.learned.account {
            builder = builder.account(&account.id);
        }
    }
    builder
}

/// Reads a secret from the environment variable that `option` gives. The value goes nowhere else.
///
/// # Errors
/// [`Usage`] when there is no such variable, or it is empty.
pub fn variable(option: &str, variable: &str) -> Result<Secret, Usage> {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let digit = variable.starts_with(|c: char| c.is_ascii_digit());
    if variable.is_empty() || digit || !variable.chars().all(letters) {
        // It may be the secret itself, so it is not repeated.
        return Err(Usage::new(format!(
            "{option}...: what stands there is no name of an environment variable"
        ))
        .next("put the secret into a variable and give the variable's name"));
    }
    let missing = |how: &str| {
        Usage::new(format!("{option}{variable}: the environment variable {variable} is {how}"))
            .next(format!("set {variable} to the secret, and export it"))
    };
    let value =
        std::env::var_os(variable).ok_or_else(|| match variable == variable.to_uppercase() {
            true => missing("not set"),
            // Many keys could be names of variables, which by custom are upper case.
            false => Usage::new(format!(
                "{option}...: there is no environment variable of the name that stands there"
            ))
            .next("put the secret into a variable, export it, and give the variable's name"),
        })?;
    one_value(Zeroizing::new(value.into_encoded_bytes())).ok_or_else(|| missing("empty"))
}

/// A secret without the line break that editors and `echo` put at its end; `None` when nothing
/// is left.
pub fn one_value(mut bytes: Zeroizing<Vec<u8>>) -> Option<Secret> {
    if bytes.ends_with(b"\n") {
        bytes.pop();
        if bytes.ends_with(b"\r") {
            bytes.pop();
        }
    }
    (!bytes.is_empty()).then(|| Secret::new(bytes.to_vec()))
}

/// Whether there is such a scheme, and every secret that it needs. Schemes that ask
/// a browser get theirs otherwise. `whose`: the kept connection that was looked into.
fn check_scheme(
    schemes: &[Scheme],
    chosen: Option<&str>,
    given: &[String],
    whose: Option<&str>,
) -> Result<(), Usage> {
    let scheme = match chosen {
        None => schemes.first(),
        Some(name) => {
            let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name.as_str()).collect();
            let found = schemes.iter().find(|scheme| scheme.name == name);
            Some(found.ok_or_else(|| unknown("scheme", name, &names))?)
        }
    };
    let Some(scheme) = scheme.filter(|scheme| !scheme.interactive) else {
        return Ok(());
    };
    let missing =
        scheme.secrets.iter().find(|field| field.required && !given.contains(&field.name));
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
    use host_harness::contract::setup::{SecretField, Setter};

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

    #[test]
    fn a_secret_in_the_place_of_a_variable_is_not_repeated() {
        for value in ["sk-live-123", "sk_live_123"] {
            let error =
                variable("--secret-env api-key=", value).map(|_| ()).unwrap_err().to_string();
            assert!(!error.contains(value), "{error}");
        }
        let error =
            variable("--secret-env api-key=", "NO_SUCH_VARIABLE_1").map(|_| ()).unwrap_err();
        assert!(
            error.to_string().ends_with("the environment variable NO_SUCH_VARIABLE_1 is not set")
        );
    }
}
