//! Signing in by a link or a token, and out.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use http::{StatusCode, header};
use serde::Deserialize;

use super::act::{Form, back};
use super::guard::Asker;
use super::marks::Mark;
use super::{At, assets, page, session};
use crate::authorise::Scope;
use crate::extract::Query;
use crate::problem::{Problem, ProblemKind};

/// Where somebody signs in.
pub const PATH: &str = "/login";

pub fn routes() -> Router<At> {
    Router::new()
        .route(PATH, get(show).post(sign_in))
        .route("/logout", post(sign_out))
        .route("/hide", post(hide))
}

#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    t: String,
}

/// The page of a link, or that asks for a token. Reading it uses nothing up: programs that look at links do
/// read them.
#[derive(Template)]
#[template(path = "console/login.html")]
struct LoginPage {
    link: String,
    fault: Option<String>,
}

async fn show(State(console): State<At>, Query(link): Query<Link>) -> Response {
    let is_good = console.callers.sessions.is_link(&link.t);
    let fault = (!link.t.is_empty() && !is_good)
        .then(|| "This link was used already, or is older than ten minutes.".to_owned());
    let link = if is_good { link.t } else { String::new() };
    page::html(StatusCode::OK, &LoginPage { link, fault })
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    t: String,
    #[serde(default)]
    token: String,
}

async fn sign_in(State(console): State<At>, Form(given): Form<Given>) -> Result<Response, Problem> {
    let sessions = &console.callers.sessions;
    let again = |text: &str| {
        let page = LoginPage { link: String::new(), fault: Some(text.to_owned()) };
        page::html(StatusCode::FORBIDDEN, &page)
    };
    let key = if given.token.is_empty() {
        if !sessions.take_link(&given.t) {
            return Ok(again("This link was used already, or is older than ten minutes."));
        }
        let number: String = session::random()?.chars().take(6).collect();
        sessions.begin(&format!("console {number}"), Scope::Admin, None, console.hides)?
    } else {
        let token = given.token.trim();
        match console.caller(token, Scope::Read).await {
            Ok(caller) => {
                let scope = console.reach(token).await;
                sessions.begin(&caller.name, scope, Some(token), console.hides)?
            }
            Err(why)
                if matches!(why.kind, ProblemKind::Unauthenticated | ProblemKind::Forbidden) =>
            {
                return Ok(again(&format!("It was refused: {}.", why.detail)));
            }
            Err(why) => return Err(why),
        }
    };
    let cookie = [(header::SET_COOKIE, console.cookie(Some(&key)))];
    Ok((cookie, Redirect::to("/")).into_response())
}

async fn sign_out(State(console): State<At>, asker: Asker) -> Response {
    if let Some(key) = &asker.session {
        console.callers.sessions.end(key);
    }
    ([(header::SET_COOKIE, console.cookie(None))], Redirect::to(PATH)).into_response()
}

#[derive(Deserialize)]
struct Hiding {
    #[serde(default)]
    hide: bool,
    #[serde(default)]
    to: String,
}

/// Hides the data of persons from this session's pages, or shows it again.
async fn hide(State(console): State<At>, asker: Asker, Form(given): Form<Hiding>) -> Response {
    if let Some(key) = &asker.session {
        console.callers.sessions.change(key, |session| session.hides = given.hide);
    }
    back(&given.to)
}
