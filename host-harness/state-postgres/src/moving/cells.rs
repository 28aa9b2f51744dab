//! Rows as they are moved, as PostgreSQL has them: read one by one, written many in a statement.

use connector_state::moving::Cell;
use connector_state::moving::tables::Kind;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::columns::{Bound, text, untext};
use crate::fault::DbResult;
use crate::session::Session;

/// A column as it is selected: each kind as one type of the database.
pub fn selected(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Integer | Kind::Object => format!("{name}::bigint"),
        Kind::Boolean => format!("{name}::int::bigint"),
        Kind::Text | Kind::Bytes => name.to_owned(),
    }
}

/// A column of a row that was so selected.
pub fn read(row: &Row, at: usize, kind: Kind) -> DbResult<Cell> {
    Ok(match kind {
        Kind::Integer | Kind::Boolean | Kind::Object => {
            row.try_get::<_, Option<i64>>(at)?.map_or(Cell::Null, Cell::Integer)
        }
        Kind::Text => {
            row.try_get::<_, Option<String>>(at)?.map_or(Cell::Null, |it| Cell::Text(untext(it)))
        }
        Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(at)?.map_or(Cell::Null, Cell::Bytes),
    })
}

/// One cell as it is bound.
pub fn bound(cell: &Cell) -> Bound {
    match cell {
        Cell::Null => Box::new(None::<i64>),
        Cell::Integer(number) => Box::new(*number),
        Cell::Text(it) => Box::new(text(it).into_owned()),
        Cell::Bytes(bytes) => Box::new(bytes.clone()),
    }
}

/// A column of many rows.
pub struct Column<'c> {
    pub name: &'c str,
    pub kind: Kind,
    pub cells: Vec<&'c Cell>,
}

impl Column<'_> {
    fn array(&self) -> (&'static str, Bound) {
        let cells = self.cells.iter();
        match self.kind {
            Kind::Integer | Kind::Object => {
                ("bigint[]", Box::new(cells.map(|cell| cell.integer()).collect::<Vec<_>>()))
            }
            Kind::Boolean => {
                let is_so = |cell: &&Cell| cell.integer().map(|number| number != 0);
                ("boolean[]", Box::new(cells.map(is_so).collect::<Vec<_>>()))
            }
            Kind::Text => {
                let of = |cell: &&Cell| cell.text().map(|it| text(it).into_owned());
                ("text[]", Box::new(cells.map(of).collect::<Vec<_>>()))
            }
            Kind::Bytes => {
                let of = |cell: &&Cell| cell.bytes().map(<[u8]>::to_vec);
                ("bytea[]", Box::new(cells.map(of).collect::<Vec<_>>()))
            }
        }
    }
}

/// Adds rows to a table: these columns, and one that is `first.1` (SQL) in each row. In the order of the rows.
pub async fn insert(
    on: &Session,
    table: &str,
    first: Option<(&str, &str)>,
    columns: Vec<Column<'_>>,
) -> DbResult<()> {
    if columns.first().is_none_or(|column| column.cells.is_empty()) {
        return Ok(());
    }
    let arrays: Vec<(&str, Bound)> = columns.iter().map(Column::array).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let places = arrays.iter().enumerate().map(|(at, (kind, _))| format!("${}::{kind}", at + 1));
    let places: Vec<String> = places.collect();
    let (name, value) = match first {
        Some((name, value)) => (format!("{name}, "), format!("{value}, ")),
        None => (String::new(), String::new()),
    };
    let sql = format!(
        "INSERT INTO {table} ({name}{}) SELECT {value}u.* FROM unnest({}) AS u ({})",
        names.join(", "),
        places.join(", "),
        names.join(", "),
    );
    let of: Vec<&(dyn ToSql + Sync)> =
        arrays.iter().map(|(_, bound)| &**bound as &(dyn ToSql + Sync)).collect();
    on.run(&sql, &of).await.map(drop)
}
