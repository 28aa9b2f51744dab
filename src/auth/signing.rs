//! AfterShip's signed requests: what is signed, and the headers that carry it.
//!
//! AfterShip API 2026-07, "Authentication", AES and RSA. The string to sign has six parts, one a
//! line, joined by `\n`: method; MD5 of the body in upper-case hex; content type; the `date`
//! header; the canonical `as-` headers; the canonical resource. Parts 2 and 3 are empty without a
//! body. AfterShip takes a `date` within three minutes of its clock, so each attempt is signed
//! anew, by the host's clock.

use md5::{Digest as _, Md5};

use connector_sdk::{
    Error, Host, Part, Request, Scheme,
    contract::first_header as header,
    dates,
    declare::{Endpoint, Place, SecretUse},
    signing::{encode_base64, encode_hex, key_error},
    text::join,
};

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
/// As [`key_error`] when the host does not sign.
pub(super) fn authorise(
    scheme: &dyn Scheme,
    signature: Signature,
    host: &dyn Host,
    endpoint: &Endpoint,
    request: &mut Request,
) -> Result<(), Error> {
    let Signature { key, algorithm, header } = signature;
    let uses = scheme.secret_uses();
    let names = uses.iter().map(|secret_use| secret_use.name.to_owned());
    request.secret_uses.extend(names);
    let now = i64::try_from(host.now_ms() / 1000).unwrap_or(i64::MAX);
    request.headers.push(("date".into(), dates::http(now)));
    // What is sent is what was signed, down to the order of the parameters.
    request.path_with_query = canonical_resource(&request.path_with_query);
    let signed = host
        .sign(key, algorithm, &message(endpoint.method, request, uses))
        .map_err(|why| key_error(key, algorithm, why))?;
    request.headers.push((header.into(), encode_base64(&signed)));
    Ok(())
}

/// The string to sign of `request`, whose path is canonical. Secrets in it are named only.
fn message(method: &str, request: &Request, uses: &[SecretUse]) -> Vec<Part> {
    let header = |name| header(&request.headers, name).unwrap_or_default();
    let body = request.body.as_deref().filter(|body| !body.is_empty());
    let (hash, content_type) =
        body.map_or_else(Default::default, |body| (md5_hex(body), header("content-type")));
    let mut text = join(&[method, &hash, content_type, header("date"), ""], "\n");
    let mut parts = Vec::new();
    for (index, (name, value)) in canonical_headers(&request.headers, uses).into_iter().enumerate()
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
                parts.push(Part::Secret(secret.to_owned()));
            }
        }
    }
    text.push('\n');
    text.push_str(&request.path_with_query);
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
fn canonical_headers(headers: &[(String, String)], uses: &[SecretUse]) -> Vec<(String, Value)> {
    let plain = headers.iter().map(|(name, value)| {
        (name.trim().to_ascii_lowercase(), Value::Text(value.trim().to_owned()))
    });
    let filled = uses.iter().filter_map(|secret_use| match secret_use.place {
        Place::Header { name, prefix } => {
            Some((name.to_owned(), Value::Secret { prefix, secret: secret_use.secret }))
        }
        _ => None,
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

fn md5_hex(body: &[u8]) -> String {
    Md5::digest(body).iter().flat_map(|&byte| encode_hex(byte)).collect()
}

#[cfg(test)]
mod tests;
