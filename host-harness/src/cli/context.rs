//! What every command starts from: the options, the connector, and who watches.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use host_harness::egress::Connect;
use host_harness::grants::Renewals;
use host_harness::runtime::{Builder, Connection, Connector, Runtime, RuntimeOptions, SCHEME};
use host_harness::store::ConnectionRow;
use host_harness::vault::Secret;
use zeroize::Zeroizing;

use super::cache;
use super::nearest::unknown;
use super::options::{Limits, Options, Repeated};
use super::output::Form;
use super::shutdown::Shutdown;
use super::usage::Usage;
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
        let mut options = RuntimeOptions::default();
        options.cache = cache::directory(self.options.cache.as_deref());
        match Runtime::new(&options) {
            Ok(runtime) => Ok(runtime),
            // A cache only saves time, so one that fails must not cost the call.
            Err(_) if options.cache.is_some() => {
                options.cache = None;
                Ok(Runtime::new(&options)?)
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

#[cfg(test)]
mod tests {
    use super::*;

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
