//! A list as a file.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use connector_contract::clock::unix_ms;
use connector_state::ConnectionRow;
use connector_state::views::ObjectView;
use futures_util::stream;
use http::{HeaderValue, header};
use serde_json::Value;

use super::{Asked, list, member_names};
use crate::console::At;
use crate::console::personal::Mask;
use crate::problem::Problem;
use crate::routes::records::{RecordDocument, kept};

/// Records that are read at once.
const AT_ONCE: u32 = 1_000;

/// The list as a file, record by record: nothing of it is held whole.
pub async fn csv(
    console: &At,
    row: ConnectionRow,
    object: String,
    asked: Asked,
    view: Option<ObjectView>,
    mask: Mask,
) -> Result<Response, Problem> {
    let now_ms = unix_ms(console.app.database.time());
    let (first, by) = list(console, &row, &object, &asked, view.as_ref(), now_ms).await?;
    let columns = columns(view.as_ref(), &first.items);
    let name = format!("attachment; filename=\"{object}.csv\"");
    let head: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let head = line_of(head.into_iter());
    let state = (Arc::clone(console), row, object, asked, columns, Some(first), Some(head), mask);
    let body = stream::try_unfold(state, move |state| async move {
        let (console, row, object, mut asked, columns, page, head, mask) = state;
        let Some(page) = page else { return Ok::<_, Problem>(None) };
        let mut text = head.unwrap_or_default();
        for item in &page.items {
            let data: Value = serde_json::from_str(&mask.text(item.data.get())).unwrap_or_default();
            let id = |pointer: &str| match pointer {
                "" => item.id.clone(),
                pointer => match data.pointer(pointer) {
                    None | Some(Value::Null) => String::new(),
                    Some(Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                },
            };
            let cells: Vec<String> = columns.iter().map(|(_, pointer)| id(pointer)).collect();
            text.push_str(&line_of(cells.iter().map(String::as_str)));
        }
        let next = match page.next {
            Some(next) => {
                asked.after = next;
                let mut parameters = asked.parameters(by, now_ms);
                parameters.limit = Some(AT_ONCE);
                Some(kept(&console.app, &row, object.clone(), parameters).await?)
            }
            None => None,
        };
        Ok(Some((Bytes::from(text), (console, row, object, asked, columns, next, None, mask))))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::try_from(name).unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    let body = Body::from_stream(futures_util::TryStreamExt::map_err(body, |why: Problem| {
        why.detail.clone()
    }));
    Ok((headers, body).into_response())
}

/// Columns of a file: their names, and where each is; the empty pointer is the id.
fn columns(view: Option<&ObjectView>, items: &[RecordDocument]) -> Vec<(String, String)> {
    let mut columns = vec![("id".to_owned(), String::new())];
    if let Some(view) = view.filter(|view| view.number.is_some()) {
        let status = view.status.as_ref().map(|status| status.at.clone());
        let all =
            [&view.number, &view.order, &view.title, &status, &view.carrier, &view.from, &view.to];
        let all = all.into_iter().flatten().chain(view.due.first()).chain(&view.delivered);
        columns.extend(
            all.map(|pointer| (pointer.trim_start_matches('/').to_owned(), pointer.clone())),
        );
    } else {
        columns
            .extend(member_names(items).into_iter().map(|name| (name.clone(), format!("/{name}"))));
    }
    columns
}

/// A line of a file that a spreadsheet takes for text, whatever it begins with.
fn line_of<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let cell = |text: &str| {
        let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let text = if risky { format!("'{text}") } else { text.to_owned() };
        match text.contains(['"', ',', '\n', '\r']) {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text,
        }
    };
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing() {
        let line = line_of(["=1+1", "-2", "a,\"b\"", "plain"].into_iter());
        assert_eq!(line, "'=1+1,'-2,\"a,\"\"b\"\"\",plain\r\n");
    }
}
