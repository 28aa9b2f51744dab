//! `--fields` and `--option`: which part of each record, and in which form.

use anyhow::Result;
use host_harness::contract::records::View;
use host_harness::runtime::Connector;

use super::context::describe;
use super::filter;
use super::input::pairs;
use super::usage::Usage;
use host_harness::service::documents::catalog::embedded;

// (A docstring would become the help text of each command.)
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ViewOptions {
    /// Ask for these top-level members only; the provider may answer with more
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub fields: Vec<String>,

    /// Ask for a form of the records, e.g. a language; `describe OBJECT` shows the options
    /// (several times)
    #[arg(long = "option", value_name = "NAME=VALUE")]
    pub options: Vec<String>,
}

impl ViewOptions {
    /// As the connector takes it.
    ///
    /// # Errors
    /// [`Usage`] for an option that the object has not, or of another type.
    pub async fn view(&self, connector: &Connector, object: &str) -> Result<View> {
        let mut view = View { fields: self.fields.clone(), options: None };
        if self.options.is_empty() {
            return Ok(view);
        }
        let descriptor = describe(connector, object).await?;
        let schema = descriptor.options_schema.ok_or_else(|| {
            Usage::new(format!("{object} has no options")).next("leave --option out")
        })?;
        let pairs = pairs("--option", &self.options)?;
        view.options = filter::build(&embedded(&schema), "option", &pairs)?;
        Ok(view)
    }
}
