//! The tables of a connector's view file, as SQL views over the view `records`.

use std::fmt::Write as _;

use connector_state::views::{Column, Made, TableView, ViewFile};
use rusqlite::Connection;

use crate::columns::values;
use crate::fault::DbResult;
use crate::{Answer, Sqlite};

/// By this a view is known for one of a connector.
const MARK: &str = "/* of the connector ";

/// Also names of functions that make tables: a view of such a name would hide one from every statement.
/// SQLite lists some of them only once they were used.
const TAKEN: &str = r"SELECT coalesce(sql, '') FROM sqlite_schema WHERE name = ?1
    UNION ALL SELECT '' FROM pragma_module_list WHERE name = ?1
    UNION ALL SELECT '' FROM (SELECT 'json' AS first UNION SELECT 'jsonb' UNION SELECT 'pragma' UNION SELECT 'sqlite')
        WHERE ?1 LIKE first || '\_%' ESCAPE '\'";
const OURS: &str = "SELECT name FROM sqlite_schema WHERE type = 'view' AND instr(sql, ?) > 0";

impl Sqlite {
    /// Makes the tables of a connector's view file as views that everybody may read, in the place of
    /// those that it had. Answers their names, or the name that something else in the database has: then
    /// nothing is made.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](connector_state::StoreError::Unavailable).
    pub fn make_views(
        &self,
        connector: &str,
        file: &ViewFile,
    ) -> Answer<'_, Result<Vec<String>, String>> {
        let (mark, file) = (format!("{MARK}{} */", comment(connector)), file.clone());
        let connector = connector.to_owned();
        self.write(move |on, _| make(on, &connector, &mark, &file))
    }
}

fn make(
    on: &Connection,
    connector: &str,
    mark: &str,
    file: &ViewFile,
) -> DbResult<Result<Vec<String>, String>> {
    for name in file.tables.keys() {
        let taken: Vec<String> = values(on, TAKEN, [name])?;
        if taken.iter().any(|sql| !sql.contains(mark)) {
            return Ok(Err(name.clone()));
        }
    }
    for name in values::<String>(on, OURS, [mark])? {
        on.execute_batch(&format!("DROP VIEW \"{name}\""))?;
    }
    for (name, table) in &file.tables {
        let select = match table.by.is_empty() {
            true => of_records(connector, table),
            false => of_rows(table),
        };
        on.execute_batch(&format!("CREATE VIEW \"{name}\" AS {mark} {select}"))?;
    }
    Ok(Ok(file.tables.keys().cloned().collect()))
}

/// A row for each record of an object.
fn of_records(connector: &str, table: &TableView) -> String {
    let mut select = "SELECT connection, id".to_owned();
    for (name, column) in &table.columns {
        let made = match column {
            Column::Member(pointer) => member(pointer),
            Column::Made(made) => made_of(made),
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
fn of_rows(table: &TableView) -> String {
    let by: Vec<String> = table.by.iter().map(|name| format!("\"{name}\"")).collect();
    let by = by.join(", ");
    let mut select = format!("SELECT {by}");
    for (name, column) in &table.columns {
        let Column::Made(made) = column else { continue };
        let _ = write!(select, ", {} AS \"{name}\"", made_of(made));
    }
    format!("{select} FROM \"{}\" GROUP BY {by}", table.of)
}

fn made_of(made: &Made) -> String {
    match made {
        Made::First(pointers) => first(pointers),
        Made::Date(pointers) => date(pointers),
        Made::Days(from, to) => format!(
            "CAST(julianday({}) - julianday({}) AS INTEGER)",
            date(std::slice::from_ref(to)),
            date(std::slice::from_ref(from))
        ),
        Made::NotAfter(pointer, due) => {
            format!("{} <= {}", date(std::slice::from_ref(pointer)), date(due))
        }
        Made::Count(column, of) => {
            let of: Vec<String> = of.iter().map(|value| text(value)).collect();
            format!("count(*) FILTER (WHERE CAST(\"{column}\" AS TEXT) IN ({}))", of.join(", "))
        }
        Made::Rows(_) => "count(*)".to_owned(),
        Made::Min(column) => format!("min(\"{column}\")"),
        Made::Max(column) => format!("max(\"{column}\")"),
        Made::Mean(column) => format!("round(avg(\"{column}\"), 4)"),
    }
}

/// The first ten characters of what is written as a date or as a time.
fn date(pointers: &[String]) -> String {
    format!("substr({}, 1, 10)", first(pointers))
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

/// What a JSON Pointer leads to in the record.
fn member(pointer: &str) -> String {
    let mut path = "$".to_owned();
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        let _ = write!(path, ".\"{name}\"");
    }
    format!("data ->> {}", text(&path))
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Nothing that could end a comment.
fn comment(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use connector_contract::clock::SystemClock;
    use connector_state::conformance::{Database as _, connection};
    use connector_state::{Change, Store as _};

    use super::*;
    use crate::tests::OnDisk;

    fn file(tables: &str) -> ViewFile {
        let text = format!(r#"{{"version": 1, "title": "Parcels", "tables": {tables}}}"#);
        ViewFile::read(&text, &|_, _| Some(true)).unwrap()
    }

    async fn opened(disk: &OnDisk) -> Sqlite {
        let sqlite = Sqlite::open(&disk.path(), Arc::new(SystemClock)).unwrap();
        sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
        sqlite
    }

    #[tokio::test]
    async fn what_is_made_again_takes_the_place_of_what_was() {
        let disk = OnDisk::new();
        let sqlite = opened(&disk).await;
        let two = file(
            r#"{"parcels": {"of": "parcels", "columns": {"it": "/a'b"}},
                           "other": {"of": "parcels", "columns": {"n": "/n"}}}"#,
        );
        assert_eq!(
            sqlite.make_views("shop's", &two).await.unwrap(),
            Ok(vec!["parcels".to_owned(), "other".to_owned()])
        );
        let one = file(
            r#"{"parcels": {"of": "parcels", "columns": {"n": "/n"}},
                           "by_n": {"of": "parcels", "by": ["n"], "columns": {"rows": {"rows": {}}}}}"#,
        );
        sqlite.make_views("shop's", &one).await.unwrap().unwrap();
        let views = |on: &Connection| values::<String>(on, OURS, [MARK]).unwrap();
        assert_eq!(sqlite.with_connection(views), ["parcels", "by_n"]);
        let rows = |on: &Connection| values::<i64>(on, "SELECT count(*) FROM by_n", ()).unwrap();
        assert_eq!(sqlite.with_connection(rows), [0]);
    }

    #[tokio::test]
    async fn a_name_that_is_taken_stops_all_and_changes_nothing() {
        let disk = OnDisk::new();
        let sqlite = opened(&disk).await;
        for taken in ["records", "connections", "mirror_heads", "json_each", "sqlite_x", "pragma_x"]
        {
            let tables = format!(
                r#"{{"parcels": {{"of": "parcels", "columns": {{}}}}, "{taken}": {{"of": "parcels", "columns": {{}}}}}}"#
            );
            assert_eq!(
                sqlite.make_views("shop", &file(&tables)).await.unwrap(),
                Err(taken.to_owned())
            );
        }
        let mine = file(r#"{"parcels": {"of": "parcels", "columns": {}}}"#);
        sqlite.make_views("shop", &mine).await.unwrap().unwrap();
        assert_eq!(sqlite.make_views("other", &mine).await.unwrap(), Err("parcels".to_owned()));
    }
}
