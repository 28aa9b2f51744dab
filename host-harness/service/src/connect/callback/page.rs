//! What a browser shows when its customer comes back. It loads nothing and runs nothing.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::connect::ConnectError;

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_TYPE, "text/html; charset=utf-8"),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (http::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        http::header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ),
];

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1.0625rem/1.6 system-ui,sans-serif;margin:0;display:grid;place-items:center;\
min-height:100vh;background:light-dark(#f4f5f7,#16181c);color:light-dark(#1d2228,#e6e8eb)}\
main{box-sizing:border-box;width:min(34rem,100% - 2rem);padding:2.5rem;border-radius:.75rem;\
background:light-dark(#fff,#202329);border:1px solid light-dark(#dfe2e6,#343840);\
overflow-wrap:anywhere}\
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}\
p{margin:0;color:light-dark(#4a525c,#b4bac2)}";

/// The page for a callback that ended so.
pub fn page<T>(ended: Result<&T, &ConnectError>) -> Response<Full<Bytes>> {
    match ended {
        Ok(_) => {
            let text = "You can close this window and go back to the program.";
            show(StatusCode::OK, "Connected", text)
        }
        Err(why @ ConnectError::Denied(_)) => {
            show(StatusCode::OK, "Not connected: access was denied", &why.to_string())
        }
        Err(why) => show(StatusCode::BAD_REQUEST, "Not connected", &why.to_string()),
    }
}

/// The page for everything else.
pub fn nothing_here() -> Response<Full<Bytes>> {
    show(StatusCode::NOT_FOUND, "Nothing here", "Go back to the program and connect again.")
}

fn show(status: StatusCode, title: &str, text: &str) -> Response<Full<Bytes>> {
    let (title, text) = (escape(title), escape(text));
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main role=\"main\">\n\
         <h1>{title}</h1>\n<p>{text}</p>\n</main>\n</body>\n</html>\n"
    );
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Text as HTML shows it; control characters become spaces.
fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            control if control.is_control() => html.push(' '),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "<script>alert('x')</script>&\"\u{0}\u{1b}[2J";
        assert_eq!(
            escape(hostile),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;  [2J"
        );
    }
}
