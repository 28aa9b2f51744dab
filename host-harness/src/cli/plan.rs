//! `--dry-run`: the request that a write would send.

use anyhow::Result;
use host_harness::egress::UnsentRequest;
use host_harness::service::documents::{PlannedBody, PlannedRequest};
use serde_json::Value;

use super::context::Context;
use super::output::{OutputFormat, document, indented, lines, printable, text_block};

/// Prints a held-back request. Secrets stand in it by name; `hidden` values not at all.
///
/// # Errors
/// When it cannot be printed.
pub fn show(context: &Context, planned: UnsentRequest, hidden: &[Value]) -> Result<()> {
    let request = PlannedRequest::of(planned, hidden);
    let form = context.document_form()?;
    context.watch.print(|| match form {
        OutputFormat::Table | OutputFormat::Csv => text_block(&text(&request)),
        OutputFormat::Ndjson | OutputFormat::Json => {
            document(form, &serde_json::to_string(&request)?)
        }
    })?;
    context.watch.mention("dry run: this request was not sent, and nothing was changed");
    Ok(())
}

fn text(request: &PlannedRequest) -> String {
    let mut text = format!("{} {}\n", printable(&request.method), printable(&request.url));
    for (name, value) in &request.headers {
        text.push_str(&format!("{}: {}\n", printable(name), printable(value)));
    }
    match &request.body {
        None => {}
        Some(PlannedBody::Json(json)) => {
            text.push_str(&format!("\n{}\n", indented(json.get())));
        }
        Some(PlannedBody::Text(body)) => text.push_str(&format!("\n{}\n", lines(body))),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn planned(body: Option<&str>) -> UnsentRequest {
        UnsentRequest {
            endpoint: "orders".to_owned(),
            method: "POST".to_owned(),
            url: "https://api.example.com/v1/orders".to_owned(),
            headers: vec![("key".to_owned(), "[secret api-key]".to_owned())],
            body: body.map(|text| text.as_bytes().to_vec()),
        }
    }

    #[test]
    fn a_request_reads_as_it_would_go() {
        let request = PlannedRequest::of(planned(Some(r#"{"n":1.10}"#)), &[]);
        assert_eq!(
            text(&request),
            "POST https://api.example.com/v1/orders\nkey: [secret api-key]\n\n{\n  \"n\": 1.10\n}\n"
        );
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"endpoint":"orders","method":"POST","url":"https://api.example.com/v1/orders","headers":[["key","[secret api-key]"]],"body":{"n":1.10}}"#
        );
    }

    #[test]
    fn hidden_values_do_not_show() {
        let request = PlannedRequest::of(planned(Some(r#"{"p":"pw"}"#)), &[json!("pw")]);
        assert!(!text(&request).contains("pw"));
        let request = PlannedRequest::of(planned(Some("a=b")), &[]);
        assert!(text(&request).ends_with("\n\na=b\n"));
        assert!(text(&PlannedRequest::of(planned(None), &[])).ends_with("[secret api-key]\n"));
    }
}
