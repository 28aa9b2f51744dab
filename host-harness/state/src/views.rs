//! A connector's view file: how its records are shown and counted, as data. It comes in the manifest
//! (`more["views"]`); the format is described in `wit/VIEWS.md`.
//!
//! ```
//! use connector_state::views::ViewFile;
//!
//! let declares = |object: &str, pointer: &str| (object == "parcels").then(|| pointer != "/colour");
//! let file = ViewFile::read(
//!     r#"{"version": 1, "title": "Parcels", "tables": {
//!         "parcels": {"of": "parcels", "columns": {"number": "/number", "sent_on": {"date": ["/sent"]}}}
//!     }}"#,
//!     &declares,
//! )?;
//! assert_eq!(file.tables["parcels"].columns.len(), 2);
//! # Ok::<(), connector_state::views::ViewError>(())
//! ```

use indexmap::IndexMap;
use serde::Deserialize;

mod rules;

pub use self::rules::{ListedTime, MOST_DAYS, RuleTime, RuleView, Take};

/// The version of the format that is read here.
const VERSION: u32 = 1;
/// Tables of a file, columns of a table and alternatives of a column at most.
const MOST: usize = 200;

/// Members whose values become keys of counts, which nobody hides.
const COUNTED: [&str; 6] = ["status.at", "reason.at", "carrier", "from", "to", "count"];

/// What is wrong with a view file. It is the connector's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// It cannot be read at all.
    #[error("the view file is not of the form that wit/VIEWS.md describes: {0}")]
    Form(String),
    /// It is of a later version of the format.
    #[error("the view file has version {0}, and this host knows {VERSION}; use a newer host")]
    Version(u32),
    /// Something in it cannot be.
    #[error("the view file, at {at}: {why}")]
    At {
        /// Where, as a path in the file.
        at: String,
        /// What is wrong there.
        why: String,
    },
}

/// How the records of a connector are shown and counted. Every name and pointer in it has been checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewFile {
    version: u32,
    /// What a person calls these records together.
    pub title: String,
    /// What a customer allows by a scope, in words, by the name of the scope.
    #[serde(default)]
    pub scopes: IndexMap<String, String>,
    /// What members mean, by the name of the object.
    #[serde(default)]
    pub objects: IndexMap<String, ObjectView>,
    /// Flat tables, by their names. One may be made of those before it.
    #[serde(default)]
    pub tables: IndexMap<String, TableView>,
}

/// What the members of an object's records mean. All are JSON Pointers (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectView {
    /// By which a person knows a record.
    pub number: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// The order that it belongs to.
    pub order: Option<String>,
    /// How far it is, and what each state means.
    pub status: Option<StatusView>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// Where it comes from.
    pub from: Option<String>,
    /// Where it goes.
    pub to: Option<String>,
    /// Why it is in trouble.
    pub reason: Option<ReasonView>,
    /// When it is due: the first that is there.
    pub due: Vec<String>,
    /// When it was delivered.
    pub delivered: Option<String>,
    /// Members that hold data of persons; all that lies below them does too.
    pub personal: Vec<String>,
    /// Members that lists are filtered and sorted by.
    pub index: Vec<String>,
    /// Members of which each value's records are counted.
    pub count: Vec<String>,
    /// Rules over time, by their names.
    pub rules: IndexMap<String, RuleView>,
}

/// The member that says how far a record is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusView {
    /// The member.
    pub at: String,
    /// What each of its values means; one that is not named means nothing in particular.
    pub marks: IndexMap<String, Mark>,
}

/// The member that says why a record is in trouble, as a code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReasonView {
    /// The member.
    pub at: String,
    /// What its codes mean, in words; one that is not named is shown as it is.
    #[serde(default)]
    pub words: IndexMap<String, String>,
}

/// What a state means for whoever looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// As it should end.
    Good,
    /// On its way.
    Moving,
    /// In its last step.
    Out,
    /// Waits for a person to fetch it.
    PickUp,
    /// Something to look at.
    Warn,
    /// Somebody has to act.
    Bad,
    /// Nothing is known yet.
    None,
    /// It ended without a result.
    Ended,
}

/// A flat table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableView {
    /// An object, of which each record is a row; with `by` a table, of which the rows are counted.
    pub of: String,
    /// The columns that make a group.
    #[serde(default)]
    pub by: Vec<String>,
    /// What is in it, by the names of the columns. Before them stand `connection` and, in a row of a
    /// record, `id`.
    pub columns: IndexMap<String, Column>,
}

/// What stands in a column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// A member as it is.
    Member(String),
    /// Something made of members, or counted.
    Made(Made),
}

/// What is made of members, or counted over a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// The first of these members that is there.
    First(Vec<String>),
    /// Its date, as it is written.
    Date(Vec<String>),
    /// Days between the dates of two members.
    Days(String, String),
    /// Whether the date of a member is not after the first of these that is there.
    NotAfter(String, Vec<String>),
    /// Rows in which a column has one of these values.
    Count(String, Vec<String>),
    /// All rows of the group.
    Rows(Empty),
    /// The least value of a column.
    Min(String),
    /// The greatest value of a column.
    Max(String),
    /// The mean of a column: of a truth, the share in which it holds.
    Mean(String),
}

/// `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl Made {
    /// The members that it is made of.
    fn pointers(&self) -> Vec<&String> {
        match self {
            Self::First(all) | Self::Date(all) => all.iter().collect(),
            Self::Days(from, to) => vec![from, to],
            Self::NotAfter(member, due) => std::iter::once(member).chain(due).collect(),
            _ => vec![],
        }
    }

    /// The column that is counted, or the empty name where rows are; `None`: nothing is.
    fn counted(&self) -> Option<&str> {
        match self {
            Self::Count(of, _) | Self::Min(of) | Self::Max(of) | Self::Mean(of) => Some(of),
            Self::Rows(_) => Some(""),
            _ => None,
        }
    }
}

/// Whether the records of an object have a member; `None`: there is no such object.
pub type Declares<'d> = &'d dyn Fn(&str, &str) -> Option<bool>;

impl ViewFile {
    /// Reads a file, and checks every name and pointer in it.
    ///
    /// # Errors
    /// [`ViewError`], for the first thing that cannot be.
    pub fn read(text: &str, declares: Declares<'_>) -> Result<Self, ViewError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let form = |why: serde_json::Error| ViewError::Form(why.to_string());
        let Version { version } = serde_json::from_str(text).map_err(form)?;
        if version > VERSION {
            return Err(ViewError::Version(version));
        }
        let file: Self = serde_json::from_str(text).map_err(form)?;
        for (object, view) in &file.objects {
            for (name, pointer) in view.pointers() {
                member(&format!("objects.{object}.{name}"), declares, object, pointer)?;
            }
            bounded(&format!("objects.{object}.index"), view.index.len())?;
            bounded(&format!("objects.{object}.count"), view.count.len())?;
            let words = view.reason.as_ref().map_or(0, |reason| reason.words.len());
            bounded(&format!("objects.{object}.reason.words"), words)?;
            for (name, pointer) in view.pointers() {
                if COUNTED.contains(&name) && view.is_personal(pointer) {
                    let at = format!("objects.{object}.{name}");
                    return fault(&at, format!("{pointer} is personal, and would be counted by"));
                }
            }
            bounded(&format!("objects.{object}.rules"), view.rules.len())?;
            for (name, rule) in &view.rules {
                rule.check(&format!("objects.{object}.rules.{name}"), name, object, declares)?;
            }
        }
        bounded("tables", file.tables.len())?;
        for (place, (name, table)) in file.tables.iter().enumerate() {
            let at = format!("tables.{name}");
            named(&at, name)?;
            bounded(&at, table.columns.len())?;
            let before = file.tables.get_index_of(&table.of).is_some_and(|of| of < place);
            let counted = file.tables.get(&table.of).filter(|_| before);
            match (table.by.is_empty(), counted) {
                (true, _) => table.check_records(&at, declares)?,
                (false, Some(counted)) => table.check_groups(&at, counted)?,
                (false, None) => {
                    return fault(&at, format!("`{}` is no table before this one", table.of));
                }
            }
        }
        Ok(file)
    }
}

impl TableView {
    fn check_records(&self, at: &str, declares: Declares<'_>) -> Result<(), ViewError> {
        for (name, column) in &self.columns {
            let at = format!("{at}.columns.{name}");
            named(&at, name)?;
            if ["connection", "id"].contains(&name.as_str()) {
                return fault(&at, "this column stands before the others in any case".to_owned());
            }
            let pointers = match column {
                Column::Member(pointer) => vec![pointer],
                Column::Made(made) => made.pointers(),
            };
            if pointers.is_empty() {
                return fault(&at, "rows are counted only in a table with `by`".to_owned());
            }
            bounded(&at, pointers.len())?;
            for pointer in pointers {
                member(&at, declares, &self.of, pointer)?;
            }
        }
        Ok(())
    }

    fn check_groups(&self, at: &str, counted: &Self) -> Result<(), ViewError> {
        let has = |at: &str, column: &str| {
            let is_given = match counted.by.is_empty() {
                true => ["connection", "id"].contains(&column),
                false => counted.by.iter().any(|by| by == column),
            };
            match column.is_empty() || is_given || counted.columns.contains_key(column) {
                true => Ok(()),
                false => fault(at, format!("`{}` has no column `{column}`", self.of)),
            }
        };
        for column in &self.by {
            has(&format!("{at}.by"), column)?;
        }
        for (name, column) in &self.columns {
            let at = format!("{at}.columns.{name}");
            named(&at, name)?;
            if self.by.contains(name) {
                return fault(&at, "this column is one of `by` already".to_owned());
            }
            match column {
                Column::Made(made) if made.counted().is_some() => {
                    has(&at, made.counted().unwrap_or_default())?;
                }
                _ => return fault(&at, "with `by`, columns are counted".to_owned()),
            }
        }
        Ok(())
    }
}

impl ObjectView {
    /// Whether a member holds data of persons, or lies below one that does.
    #[must_use]
    pub fn is_personal(&self, pointer: &str) -> bool {
        let holds = |personal: &String| {
            let below = pointer.strip_prefix(personal.as_str());
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.personal.iter().any(holds)
    }

    /// All members, each by what it is named for.
    fn pointers(&self) -> Vec<(&'static str, &String)> {
        let status = self.status.as_ref().map(|status| &status.at);
        let reason = self.reason.as_ref().map(|reason| &reason.at);
        let ones = [
            ("number", self.number.as_ref()),
            ("title", self.title.as_ref()),
            ("order", self.order.as_ref()),
            ("status.at", status),
            ("reason.at", reason),
            ("carrier", self.carrier.as_ref()),
            ("from", self.from.as_ref()),
            ("to", self.to.as_ref()),
            ("delivered", self.delivered.as_ref()),
        ];
        let lists = [
            ("due", &self.due),
            ("personal", &self.personal),
            ("index", &self.index),
            ("count", &self.count),
        ];
        let ones = ones.into_iter().filter_map(|(name, one)| Some((name, one?)));
        let lists =
            lists.into_iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one)));
        ones.chain(lists).collect()
    }
}

fn fault<T>(at: &str, why: String) -> Result<T, ViewError> {
    Err(ViewError::At { at: at.to_owned(), why })
}

/// A JSON Pointer to a member that records have. Members of lists have none.
fn member(at: &str, declares: Declares<'_>, object: &str, pointer: &str) -> Result<(), ViewError> {
    if !pointer.starts_with('/') || pointer.contains('"') {
        return fault(at, format!("`{pointer}` is no JSON Pointer to a member"));
    }
    match declares(object, pointer) {
        Some(true) => Ok(()),
        Some(false) => fault(at, format!("records of `{object}` have no member `{pointer}`")),
        None => fault(at, format!("there is no object `{object}`")),
    }
}

fn bounded(at: &str, count: usize) -> Result<(), ViewError> {
    match count {
        0..=MOST => Ok(()),
        _ => fault(at, format!("{count} are more than {MOST}")),
    }
}

/// Names become those of tables and columns in databases.
fn named(at: &str, name: &str) -> Result<(), ViewError> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    match begins && name.len() <= 63 && name.bytes().all(is_letter) {
        true => Ok(()),
        false => fault(at, format!("`{name}` is no name: use a-z, 0-9 and _")),
    }
}

#[cfg(test)]
mod tests;
