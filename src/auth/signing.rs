//! AfterShip's signed requests: what is signed, and the headers that carry it.
//!
//! AfterShip API 2026-07, "Authentication", AES and RSA. The string to sign has six parts, one a
//! line, joined by `\n`: method; MD5 of the body in upper-case hex; content type; the `date`
//! header; the canonical `as-` headers; the canonical resource. Parts 2 and 3 are empty without a
//! body. AfterShip takes a `date` within three minutes of its clock, so each attempt is signed
//! anew, by the host's clock.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use super::{Scheme, keys};
use crate::api::client::header;
use crate::api::dates;
use crate::api::path::hex;
use crate::error::Error;
use crate::host::{Host, Part, Place, Request, SecretPart};

/// How one scheme signs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    /// Name of the secret that signs.
    pub key: &'static str,
    /// As in `connector:host/secrets`.
    pub algorithm: &'static str,
    /// The header that carries the signature, in base64.
    pub header: &'static str,
}

/// Puts the secrets of `scheme`, `date` and the signature into `request`.
///
/// # Errors
/// As [`keys::error`] when the host does not sign.
pub(super) fn authorise(
    scheme: &dyn Scheme,
    signature: Signature,
    host: &dyn Host,
    request: &mut Request,
) -> Result<(), Error> {
    let Signature { key, algorithm, header } = signature;
    request.secrets.extend_from_slice(scheme.secret_parts());
    let now = i64::try_from(host.now_ms() / 1000).unwrap_or(i64::MAX);
    request.headers.push(("date".into(), dates::http(now)));
    // What is sent is what was signed, down to the order of the parameters.
    let (origin, resource) = split(&request.url);
    request.url = [origin, &canonical_resource(resource)].concat();
    let signed = host
        .sign(key, algorithm, &message(request))
        .map_err(|why| keys::error(scheme, key, algorithm, why))?;
    request.headers.push((header.into(), BASE64.encode(signed)));
    Ok(())
}

/// The string to sign of `request`, whose URL is canonical. Secrets in it are named only.
fn message(request: &Request) -> Vec<Part> {
    let header = |name| header(&request.headers, name).unwrap_or_default();
    let body = request.body.as_deref().filter(|body| !body.is_empty());
    let (hash, content_type) =
        body.map_or_else(Default::default, |body| (md5_hex(body), header("content-type")));
    let mut text = [request.method, &hash, content_type, header("date"), ""].join("\n");
    let mut parts = Vec::new();
    for (index, (name, value)) in
        canonical_headers(&request.headers, &request.secrets).into_iter().enumerate()
    {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&name);
        text.push(':');
        match value {
            Value::Text(value) => text.push_str(&value),
            Value::Secret { prefix, secret } => {
                text.push_str(prefix);
                parts.push(Part::Bytes(std::mem::take(&mut text).into_bytes()));
                parts.push(Part::Secret(secret));
            }
        }
    }
    text.push('\n');
    text.push_str(split(&request.url).1);
    parts.push(Part::Bytes(text.into_bytes()));
    parts
}

/// What stands behind the colon of a canonical header.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    /// AfterShip trims values, and the host puts this one in as it is: a key with space around
    /// it is refused. No key that AfterShip makes has any.
    Secret {
        prefix: &'static str,
        secret: &'static str,
    },
}

/// The headers whose name begins with `as-`, those with a secret included: names in lower case,
/// trimmed, in ascending order.
fn canonical_headers(headers: &[(String, String)], secrets: &[SecretPart]) -> Vec<(String, Value)> {
    let plain = headers.iter().map(|(name, value)| {
        (name.trim().to_ascii_lowercase(), Value::Text(value.trim().to_owned()))
    });
    let filled = secrets.iter().filter_map(|part| match part.place {
        Place::Header { name, prefix } => {
            Some((name.to_owned(), Value::Secret { prefix, secret: part.secret }))
        }
        Place::FormField(_) | Place::Basic(_) => None,
    });
    sorted(plain.chain(filled).filter(|(name, _)| name.starts_with("as-")))
}

/// Path, and the parameters in ascending order of their names; equal names keep their order. An
/// empty value stays as `name=`.
fn canonical_resource(resource: &str) -> String {
    let Some((path, query)) = resource.split_once('?') else {
        return resource.to_owned();
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.trim(), value));
    let mut canonical = path.to_owned();
    for (index, (name, value)) in sorted(pairs).into_iter().enumerate() {
        canonical.push(if index == 0 { '?' } else { '&' });
        canonical.extend([name, "=", value]);
    }
    canonical
}

/// In ascending order of the names; equal ones keep their order. The library's own sort would
/// cost the component 5 KB for each kind of list, and these hold a handful.
fn sorted<N: Ord, V>(items: impl Iterator<Item = (N, V)>) -> Vec<(N, V)> {
    let mut sorted: Vec<(N, V)> = Vec::new();
    for (name, value) in items {
        let at = sorted.partition_point(|(known, _)| *known <= name);
        sorted.insert(at, (name, value));
    }
    sorted
}

/// Scheme and authority of an absolute URL, and the path with what follows.
fn split(url: &str) -> (&str, &str) {
    let path = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at);
    url.split_at_checked(path).unwrap_or((url, ""))
}

fn md5_hex(body: &[u8]) -> String {
    Md5::digest(body).iter().flat_map(|&byte| hex(byte)).collect()
}

#[cfg(test)]
mod tests;
