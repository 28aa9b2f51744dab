//! A row as it is moved.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::tables::Table;

/// A row of a table: as JSON, an array of the table's name, the part (an object's name, a push's id) or
/// null, and the columns.
#[derive(Debug, Clone)]
pub struct MovedRow {
    /// Of which table.
    pub table: &'static Table,
    /// The part of the table that it is of, where that has parts.
    pub part: Option<String>,
    /// One for each column.
    pub cells: Vec<Cell>,
}

impl PartialEq for MovedRow {
    fn eq(&self, other: &Self) -> bool {
        (self.table.name, &self.part, &self.cells) == (other.table.name, &other.part, &other.cells)
    }
}

/// What stands in a column: in JSON null, a number, a text, or `{"b": ...}` with bytes in base64.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// Shows no value: what a connection keeps is its owner's.
impl std::fmt::Debug for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Text(text) => write!(formatter, "[text of {} bytes]", text.len()),
            Self::Bytes(bytes) => write!(formatter, "[{} bytes]", bytes.len()),
        }
    }
}

impl Cell {
    /// The number; `None` for anything else.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The text; `None` for anything else.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes; `None` for anything else.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl MovedRow {
    /// A row without parts.
    #[must_use]
    pub fn new(table: &'static Table, cells: Vec<Cell>) -> Self {
        Self { table, part: None, cells }
    }

    /// What stands in a column; nothing in one that is not there.
    #[must_use]
    pub fn cell(&self, column: &str) -> &Cell {
        self.table.place(column).and_then(|at| self.cells.get(at)).unwrap_or(&Cell::Null)
    }

    /// Another value in a column.
    pub fn set(&mut self, column: &str, cell: Cell) {
        if let Some(place) = self.table.place(column).and_then(|at| self.cells.get_mut(at)) {
            *place = cell;
        }
    }

    /// The text of a column, or an empty one.
    #[must_use]
    pub fn text(&self, column: &str) -> &str {
        self.cell(column).text().unwrap_or_default()
    }

    /// About how many bytes it is.
    #[must_use]
    pub fn size(&self) -> usize {
        let size = |cell: &Cell| match cell {
            Cell::Null | Cell::Integer(_) => 8,
            Cell::Text(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len(),
        };
        32 + self.cells.iter().map(size).sum::<usize>()
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("b", &STANDARD.encode(bytes))?;
                map.end()
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Integer(i64),
    Text(String),
    Bytes { b: String },
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<Read>::deserialize(deserializer)? {
            None => Self::Null,
            Some(Read::Integer(number)) => Self::Integer(number),
            Some(Read::Text(text)) => Self::Text(text),
            Some(Read::Bytes { b }) => Self::Bytes(STANDARD.decode(b).map_err(D::Error::custom)?),
        })
    }
}

impl Serialize for MovedRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.table.name, &self.part, &self.cells).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MovedRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, part, cells) = <(String, Option<String>, Vec<Cell>)>::deserialize(deserializer)?;
        let table = Table::named(&name)
            .ok_or_else(|| D::Error::custom(format!("there is no table {name}")))?;
        if cells.len() != table.columns.len() || part.is_some() != table.of.has_parts() {
            return Err(D::Error::custom(format!("a row of {name} has other columns")));
        }
        Ok(Self { table, part, cells })
    }
}
