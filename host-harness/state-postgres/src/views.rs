//! The tables of a connector's view file, as SQL views over the view `records`.

use std::fmt::Write as _;

use connector_state::Answer;
use connector_state::views::{Column, Made, TableView, ViewFile};

use super::Postgres;
use super::fault::DbResult;
use super::session::Session;

/// The day that a text begins with; null where it is none. A cast would fail, and with it the whole query.
pub const FUNCTIONS: &str = r"
CREATE FUNCTION state_day(given text) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN given ~ '^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
        THEN CASE WHEN substr(given, 9, 2)::int <= date_part('day',
                make_date(substr(given, 1, 4)::int, substr(given, 6, 2)::int, 1)
                    + interval '1 month' - interval '1 day')
            THEN make_date(substr(given, 1, 4)::int, substr(given, 6, 2)::int, substr(given, 9, 2)::int)
        END
    END
$$;
";

/// By this comment a view is known for one of a connector.
const MARK: &str = "of the connector ";
/// What is a number as JSON writes it.
const NUMBER: &str = r"'^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$'";

/// What has a name, and is none of the connector's views.
const TAKEN: &str = "SELECT 1 FROM pg_class AS c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = $1
            AND coalesce(obj_description(c.oid, 'pg_class'), '') <> $2
    UNION ALL SELECT 1 FROM pg_type AS t
        WHERE t.typnamespace = current_schema()::regnamespace AND t.typname = $1 AND t.typrelid = 0";
const OURS: &str = "SELECT quote_ident(c.relname) FROM pg_class AS c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'v'
        AND obj_description(c.oid, 'pg_class') = $1";

impl Postgres {
    /// Makes the tables of a connector's view file as views that everybody may read, in the place of
    /// those that it had. Answers their names, or the name that something else in the schema has: then
    /// nothing is made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](connector_state::StoreError::Unavailable), also when somebody has made
    /// views of these views.
    pub fn make_views(
        &self,
        connector: &str,
        file: &ViewFile,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        self.write((connector.to_owned(), file.clone()), |on, (connector, file)| {
            Box::pin(make(on, connector, file))
        })
    }
}

async fn make(
    on: &Session,
    connector: &str,
    file: &ViewFile,
) -> DbResult<Result<Vec<String>, String>> {
    on.advise("views").await?;
    let mark = format!("{MARK}{connector}");
    for name in file.tables.keys() {
        if !on.rows(TAKEN, &[name, &mark]).await?.is_empty() {
            return Ok(Err(name.clone()));
        }
    }
    let ours: Vec<String> = on.values(OURS, &[&mark]).await?;
    if !ours.is_empty() {
        on.batch(&format!("DROP VIEW {}", ours.join(", "))).await?;
    }
    for (name, table) in &file.tables {
        let select = match table.by.is_empty() {
            true => of_records(connector, table),
            false => of_rows(file, table),
        };
        on.batch(&format!("CREATE VIEW \"{name}\" AS {select}")).await?;
        on.batch(&format!("COMMENT ON VIEW \"{name}\" IS {}", text(&mark))).await?;
    }
    Ok(Ok(file.tables.keys().cloned().collect()))
}

/// A row for each record of an object.
fn of_records(connector: &str, table: &TableView) -> String {
    let mut select = "SELECT connection, id".to_owned();
    for (name, column) in &table.columns {
        let made = match column {
            Column::Member(pointer) => member(pointer),
            Column::Made(made) => made_of(made, Kind::Text),
        };
        // Writing to a text cannot fail.
        let _ = write!(select, ", {made} AS \"{name}\"");
    }
    format!(
        "{select} FROM records WHERE object = {} AND state <> 'deleted' AND connection IN
         (SELECT name FROM connections WHERE connector = {})",
        text(&table.of),
        text(connector)
    )
}

/// A row for each group of another table's rows.
fn of_rows(file: &ViewFile, table: &TableView) -> String {
    let by: Vec<String> = table.by.iter().map(|name| format!("\"{name}\"")).collect();
    let by = by.join(", ");
    let mut select = format!("SELECT {by}");
    for (name, column) in &table.columns {
        let Column::Made(made) = column else { continue };
        let counted = match made {
            Made::Count(of, _) | Made::Min(of) | Made::Max(of) | Made::Mean(of) => {
                kind(file, &table.of, of)
            }
            _ => Kind::Text,
        };
        let _ = write!(select, ", {} AS \"{name}\"", made_of(made, counted));
    }
    format!("{select} FROM \"{}\" GROUP BY {by}", table.of)
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
}

fn kind(file: &ViewFile, table: &str, column: &str) -> Kind {
    let Some(of) = file.tables.get(table) else { return Kind::Text };
    match of.columns.get(column) {
        Some(Column::Made(Made::Days(..) | Made::Count(..) | Made::Rows(_) | Made::Mean(_))) => {
            Kind::Number
        }
        Some(Column::Made(Made::NotAfter(..))) => Kind::Truth,
        // What is counted of a text may be a number, and is kept as the text of it.
        _ => Kind::Text,
    }
}

fn made_of(made: &Made, of: Kind) -> String {
    match made {
        Made::First(pointers) => first(pointers),
        Made::Date(pointers) => date(pointers),
        Made::Days(from, to) => format!("state_day({}) - state_day({})", member(to), member(from)),
        Made::NotAfter(pointer, due) => {
            format!("{} <= {}", date(std::slice::from_ref(pointer)), date(due))
        }
        Made::Count(column, values) => {
            let values: Vec<String> = values.iter().map(|value| text(value)).collect();
            let column = match of {
                // As SQLite has it, which view files are written for too.
                Kind::Truth => format!("(\"{column}\"::int)::text"),
                _ => format!("\"{column}\"::text"),
            };
            format!("count(*) FILTER (WHERE {column} IN ({}))", values.join(", "))
        }
        Made::Rows(_) => "count(*)".to_owned(),
        Made::Min(column) => extreme("min", column, of),
        Made::Max(column) => extreme("max", column, of),
        Made::Mean(column) => {
            let number = match of {
                Kind::Text => number(column),
                Kind::Number => format!("\"{column}\""),
                Kind::Truth => format!("\"{column}\"::int"),
            };
            format!("round(avg({number}), 4)")
        }
    }
}

/// Of numbers by their value, of all else by their letters.
fn extreme(function: &str, column: &str, of: Kind) -> String {
    match of {
        Kind::Number => format!("{function}(\"{column}\")"),
        Kind::Truth => format!("{function}(\"{column}\"::int)"),
        Kind::Text => format!(
            "CASE WHEN bool_and(\"{column}\" ~ {NUMBER}) THEN {function}({})::text
             ELSE {function}(\"{column}\" COLLATE \"C\") END",
            number(column)
        ),
    }
}

fn number(column: &str) -> String {
    format!("CASE WHEN \"{column}\" ~ {NUMBER} THEN \"{column}\"::numeric END")
}

/// The first ten characters of what is written as a date or as a time.
fn date(pointers: &[String]) -> String {
    format!("substr({}, 1, 10) COLLATE \"C\"", first(pointers))
}

fn first(pointers: &[String]) -> String {
    match pointers {
        [one] => member(one),
        all => format!(
            "coalesce({}, NULL)",
            all.iter().map(|one| member(one)).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// What a JSON Pointer leads to in the record, as text.
fn member(pointer: &str) -> String {
    let tokens = pointer.split('/').skip(1);
    let names = tokens.map(|token| text(&token.replace("~1", "/").replace("~0", "~")));
    format!("(data::json #>> ARRAY[{}]::text[])", names.collect::<Vec<_>>().join(", "))
}

/// A literal. A backslash stands for itself in it.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
