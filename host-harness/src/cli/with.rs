//! `list --with`: records of derived objects, computed from the pages of one scan.

use anyhow::{Context as _, Result};
use host_harness::contract::types::DataRecord;
use host_harness::runtime::{Connection, Connector};

use super::context::describe;
use super::output::{OutputFormat, counted};
use super::usage::{Usage, unknown};

/// The derived objects that go with a listing, and how many of each were shown.
pub struct DerivedListing {
    object: String,
    derived: Vec<(String, u64)>,
}

impl DerivedListing {
    /// `names`, each of which the connector must derive from `object`.
    ///
    /// # Errors
    /// [`Usage`] for one that it does not.
    pub async fn of(connector: &Connector, object: &str, names: &[String]) -> Result<Self> {
        let mut derivable = Vec::new();
        for summary in &connector.manifest().objects {
            let described = describe(connector, &summary.name).await?;
            if described.derived_from.as_deref() == Some(object) {
                derivable.push(summary.name.as_str());
            }
        }
        let mut derived: Vec<(String, u64)> = Vec::new();
        for name in names {
            if !derivable.contains(&name.as_str()) {
                let kind = format!("object derived from {object}");
                return Err(unknown(&kind, name, &derivable).into());
            }
            if derived.iter().all(|(known, _)| known != name) {
                derived.push((name.clone(), 0));
            }
        }
        Ok(Self { object: object.to_owned(), derived })
    }

    /// The form for records of several objects: they have no columns in common.
    ///
    /// # Errors
    /// [`Usage`] for a table or CSV that was asked for.
    pub fn form(asked: Option<OutputFormat>) -> Result<OutputFormat, Usage> {
        match asked {
            None => Ok(OutputFormat::Ndjson),
            Some(form @ (OutputFormat::Ndjson | OutputFormat::Json)) => Ok(form),
            Some(OutputFormat::Table | OutputFormat::Csv) => Err(Usage::new(
                "records of several objects have no columns in common, so --with has no table",
            )
            .next("use --output ndjson or --output json, or list one object at a time")),
        }
    }

    /// Each of `parents` and after it what it holds. Sends nothing.
    ///
    /// # Errors
    /// When the connector cannot derive them.
    pub async fn lines(
        &mut self,
        connection: &Connection,
        parents: &[DataRecord],
    ) -> Result<Vec<(String, String)>> {
        let mut lines: Vec<Vec<(String, String)>> =
            parents.iter().map(|parent| vec![line(&self.object, parent)]).collect();
        let names: Vec<String> = self.derived.iter().map(|(name, _)| name.clone()).collect();
        let all = connection.derive(&names, parents.to_vec()).await;
        let all = all.with_context(|| format!("deriving {}", names.join(", ")))?;
        for ((name, count), derived) in self.derived.iter_mut().zip(all) {
            for (lines, records) in lines.iter_mut().zip(derived) {
                *count += records.len() as u64;
                lines.extend(records.iter().map(|record| line(name, record)));
            }
        }
        Ok(lines.into_iter().flatten().collect())
    }

    /// How many of each were shown.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = self.derived.iter();
        let counts: Vec<String> =
            counts.map(|(name, count)| format!("{name}: {}", counted(*count, "record"))).collect();
        counts.join(", ")
    }
}

/// A record as a line that says which object it is of: its id, and
/// `{"object":…,"id":…,"data":…}` with the record untouched.
fn line(object: &str, record: &DataRecord) -> (String, String) {
    let (name, id) = (serde_json::json!(object), serde_json::json!(record.id));
    let text = format!(r#"{{"object":{name},"id":{id},"data":{}}}"#, record.data);
    (record.id.clone(), text)
}
