//! What pages load: from this program, never from anywhere else, under names that change with the bytes.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use connector_contract::hex;
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest as _, Sha256};

/// What an asset's address begins with.
pub const PREFIX: &str = "/assets/";
/// Hex digits of a digest that stand in an address.
const DIGITS: usize = 16;

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

static ALL: [Asset; 6] = [
    Asset { name: "console.css", kind: CSS, bytes: include_bytes!("assets/console.css") },
    Asset { name: "console.js", kind: SCRIPT, bytes: include_bytes!("assets/console.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", bytes: include_bytes!("assets/icon.svg") },
    Asset { name: "htmx.js", kind: SCRIPT, bytes: include_bytes!("assets/htmx.min.js") },
    Asset { name: "uplot.css", kind: CSS, bytes: include_bytes!("assets/uPlot.min.css") },
    Asset { name: "uplot.js", kind: SCRIPT, bytes: include_bytes!("assets/uPlot.iife.min.js") },
];

/// An asset as it is served.
struct Served {
    kind: &'static str,
    path: String,
    bytes: Bytes,
    gzip: Bytes,
}

static SERVED: LazyLock<Vec<Served>> = LazyLock::new(|| {
    let served = ALL.iter().map(|asset| {
        let hash: String = hex(&Sha256::digest(asset.bytes)).chars().take(DIGITS).collect();
        Served {
            kind: asset.kind,
            path: format!("{PREFIX}{hash}/{}", asset.name),
            bytes: Bytes::from_static(asset.bytes),
            gzip: gzip(asset.bytes).into(),
        }
    });
    served.collect()
});

/// Where an asset is.
#[must_use]
pub fn path(name: &str) -> &'static str {
    let found = ALL.iter().position(|asset| asset.name == name);
    found.and_then(|at| SERVED.get(at)).map_or("", |served| served.path.as_str())
}

/// The asset at this path; each address has one content for ever.
pub fn serve(path: &str, headers: &HeaderMap) -> Response {
    let Some(found) = SERVED.iter().find(|served| served.path == path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let gzips = accepts.is_some_and(|all| all.split(',').any(|one| one.trim() == "gzip"));
    let body = if gzips { &found.gzip } else { &found.bytes };
    let headers = [
        (header::CONTENT_TYPE, found.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    let mut response = (headers, Body::from(body.clone())).into_response();
    if gzips {
        let gzip = http::HeaderValue::from_static("gzip");
        response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
    }
    response
}

/// As `gzip` compresses it.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken from others is what they released: the digests stand beside the files.
    #[test]
    fn vendored_files_are_as_they_were_released() {
        let sums = include_str!("assets/SHA256SUMS");
        let mut seen = 0;
        for (sum, file) in sums.lines().filter_map(|line| line.split_once("  ")) {
            let bytes: &[u8] = match file {
                "htmx.min.js" => include_bytes!("assets/htmx.min.js"),
                "uPlot.iife.min.js" => include_bytes!("assets/uPlot.iife.min.js"),
                "uPlot.min.css" => include_bytes!("assets/uPlot.min.css"),
                other => panic!("{other} is not known here"),
            };
            assert_eq!(hex(&Sha256::digest(bytes)), sum, "{file}");
            seen += 1;
        }
        assert_eq!(seen, 3);
    }

    #[test]
    fn our_own_files_are_small() {
        assert!(include_bytes!("assets/console.css").len() <= 24 * 1024);
        assert!(include_str!("assets/console.js").lines().count() <= 220);
    }

    #[test]
    fn an_address_has_one_content() {
        let path = path("console.css");
        assert_eq!(serve(path, &HeaderMap::new()).status(), StatusCode::OK);
        let other = path.replace("/assets/", "/assets/0");
        assert_eq!(serve(&other, &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }
}
