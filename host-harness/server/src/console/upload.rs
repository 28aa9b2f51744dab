//! A file taken from a browser, piece by piece, and handed to the API's upload: it is kept, and nothing of it is
//! sent before somebody has seen what would be.

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use connector_service::push::mapping::Mapping;
use connector_state::Word as _;
use connector_state::push::Mode;
use futures_util::TryStreamExt as _;
use http::{Method, StatusCode, header};
use multer::{Constraints, Field, Multipart, SizeLimit};
use serde::Deserialize;
use serde_json::Value;

use super::act::{Call, back};
use super::guard::Asker;
use super::page::{Page, Screen, html};
use super::parts::Pick;
use super::text::argument;
use super::{At, Console};
use crate::extract::Query;
use crate::problem::Problem;
use crate::routes::encoded;

/// Bytes of a file.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of any other field.
const FIELD_BYTES: u64 = 256 * 1024;

#[derive(Deserialize)]
pub struct Asked {
    c: Option<String>,
    object: Option<String>,
}

#[derive(Template)]
#[template(path = "console/push_new.html")]
struct NewPage {
    page: Page,
    connection: Pick,
    object: Pick,
    mode: Pick,
    form: Pick,
    fault: Option<String>,
}

/// Asks for a file.
///
/// # Errors
/// When the state cannot be read.
pub async fn ask(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let given = Given {
        connection: asked.c.unwrap_or_default(),
        object: asked.object.unwrap_or_default(),
        ..Given::default()
    };
    Ok(html(StatusCode::OK, &page(&console, &asker, &given, None).await?))
}

async fn page(
    console: &Console,
    asker: &Asker,
    given: &Given,
    fault: Option<String>,
) -> Result<NewPage, Problem> {
    let whose = Some(given.connection.as_str()).filter(|name| !name.is_empty());
    let page = console.page(asker, Screen::Pushes, whose).await?;
    let names = console.app.names().await?.into_values();
    let mut names: Vec<String> = names.collect();
    names.sort();
    let pick = |name: &'static str, label: &str, options: Vec<(String, String)>, value: &str| {
        Pick { name, label: label.to_owned(), options, value: value.to_owned() }
    };
    let same = |word: String| (word.clone(), word);
    // Those whose records can be written.
    let manifest = console.app.connector.manifest();
    let writes = |operations: &[String]| {
        operations.iter().any(|it| ["create", "update", "delete"].contains(&it.as_str()))
    };
    let objects = manifest.objects.iter().filter(|object| writes(&object.operations));
    let objects = objects.map(|object| (object.name.clone(), object.title.clone())).collect();
    let modes = [
        (Mode::Upsert, "that there are records with these members"),
        (Mode::Create, "that they are made"),
        (Mode::Update, "that they are changed"),
        (Mode::Delete, "that they are gone"),
    ];
    let modes =
        modes.map(|(mode, says)| (mode.word().to_owned(), format!("{}: {says}", mode.word())));
    let forms = [("", "by its name"), ("csv", "CSV"), ("json", "JSON, a line each or an array")];
    let forms = forms.map(|(word, says)| (word.to_owned(), says.to_owned()));
    let object = argument(if given.object.is_empty() { "OBJECT" } else { &given.object });
    Ok(NewPage {
        page: page
            .titled("New push")
            .lead("The file is kept first. What would be sent of it is shown before anything is.")
            .crumb("Pushes", Screen::Pushes.href(whose))
            .command(format!("connector-host push {object} FILE --map shop.json --dry-run")),
        connection: pick(
            "connection",
            "Connection",
            names.into_iter().map(same).collect(),
            &given.connection,
        ),
        object: pick("object", "Object", objects, &given.object),
        mode: pick("mode", "Asks", modes.into(), &given.mode),
        form: pick("form", "File is", forms.into(), &given.form),
        fault,
    })
}

/// Fields that come before the file.
#[derive(Default)]
struct Given {
    key: String,
    connection: String,
    object: String,
    mode: String,
    form: String,
    map: String,
}

impl Given {
    async fn take(&mut self, field: Field<'static>) -> Result<(), Problem> {
        let name = field.name().unwrap_or_default().to_owned();
        let text = field.text().await.map_err(|why| odd(&why))?;
        match name.as_str() {
            "key" => self.key = text,
            "connection" => self.connection = text,
            "object" => self.object = text,
            "mode" => self.mode = text,
            "form" => self.form = text,
            // A mapping is written into its field, or uploaded in place of that.
            "map" | "map_file" if !text.trim().is_empty() => self.map = text,
            _ => {}
        }
        Ok(())
    }
}

fn odd(why: &multer::Error) -> Problem {
    let status = match why {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::invalid(format!("The upload cannot be read: {why}.")).with_status(status)
}

/// Takes a file: hands it to the API as it comes, and leads to what would be sent.
///
/// # Errors
/// When the form is none. What is wrong with what was given is said beside it.
pub async fn take(
    State(console): State<At>,
    asker: Asker,
    request: Request,
) -> Result<Response, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default()).map_err(|why| odd(&why))?;
    let limits = SizeLimit::new()
        .whole_stream(FILE_BYTES + FIELD_BYTES * 4)
        .per_field(FIELD_BYTES)
        .for_field("file", FILE_BYTES);
    let pieces = request.into_body().into_data_stream();
    let mut form =
        Multipart::with_constraints(pieces, boundary, Constraints::new().size_limit(limits));
    let mut given = Given::default();
    let outcome = loop {
        let field = form.next_field().await.map_err(|why| odd(&why))?;
        let Some(field) = field else { break Err(Problem::invalid("Choose a file.")) };
        if field.name() != Some("file") {
            given.take(field).await?;
            continue;
        }
        break hand_on(&console, &asker, &given, field).await;
    };
    match outcome {
        Ok(place) => Ok(back(&place)),
        Err(problem) => {
            // A browser that still sends would not read the answer.
            while matches!(form.next_field().await, Ok(Some(_))) {}
            let status =
                StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
            let told = super::act::told(&problem);
            Ok(html(status, &page(&console, &asker, &given, Some(told)).await?))
        }
    }
}

/// Hands a file to the API's upload, to be held. Answers where it is shown.
async fn hand_on(
    console: &Console,
    asker: &Asker,
    given: &Given,
    file: Field<'static>,
) -> Result<String, Problem> {
    let name = file.file_name().unwrap_or_default().to_ascii_lowercase();
    if name.is_empty() {
        return Err(Problem::invalid("Choose a file."));
    }
    let is_csv = match given.form.as_str() {
        "csv" => true,
        "json" => false,
        _ => [".csv", ".tsv", ".txt"].iter().any(|end| name.ends_with(end)),
    };
    let kind = if is_csv { "text/csv" } else { "application/x-ndjson" };
    let map = given.map.trim();
    if !map.is_empty() {
        Mapping::read(map).map_err(|why| Problem::invalid(format!("The mapping: {why}")))?;
    }
    let place = super::parts::href(
        &format!(
            "/v1/connections/{}/objects/{}/push",
            encoded(&given.connection),
            encoded(&given.object)
        ),
        &[("hold", "true"), ("mode", &given.mode), ("map", map)],
    );
    let body = Body::from_stream(file.map_err(std::io::Error::other));
    let call = Call { method: Method::POST, path: &place, body: None, key: &given.key };
    let told = console.send(asker, call, Some((kind, body))).await?;
    let run = told.get("run").and_then(Value::as_str).unwrap_or_default();
    Ok(format!("/pushes/{}/plan", encoded(run)))
}
