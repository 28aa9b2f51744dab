//! Proof keys for codes (RFC 7636), method S256.

use ring::digest;

use super::form::Form;
use super::options::Pkce;
use super::refusal::Refusal;
use crate::text::base64url_encode;

/// The challenge of a request for a code.
pub(super) fn challenge(pkce: Pkce, form: &Form) -> Result<Option<String>, Refusal> {
    if pkce == Pkce::Ignored {
        return Ok(None);
    }
    let (challenge, method) = (form.get("code_challenge"), form.get("code_challenge_method"));
    match (challenge, method) {
        (None, None) if pkce == Pkce::Optional => Ok(None),
        (None, _) => Err(Refusal::invalid_request("The code_challenge is missing.")),
        // A challenge without a method would be `plain`.
        (Some(_), method) if method != Some("S256") => {
            Err(Refusal::invalid_request("The code_challenge_method must be S256."))
        }
        (Some(challenge), _) if challenge.len() == 43 && is_unreserved(challenge) => {
            Ok(Some(challenge.to_owned()))
        }
        _ => Err(Refusal::invalid_request("The code_challenge is no digest of S256.")),
    }
}

/// Whether the verifier of a request for tokens is the one of the challenge. A verifier without a
/// challenge is refused as well: somebody took the challenge out on its way (RFC 9700, 4.8.2).
pub(super) fn check(pkce: Pkce, challenge: Option<&str>, form: &Form) -> Result<(), Refusal> {
    if pkce == Pkce::Ignored {
        return Ok(());
    }
    match (challenge, form.get("code_verifier")) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::invalid_grant("The code was given without a challenge.")),
        (Some(_), None) => Err(Refusal::invalid_grant("The code_verifier is missing.")),
        (Some(challenge), Some(verifier)) => match fits(challenge, verifier) {
            true => Ok(()),
            false => Err(Refusal::invalid_grant("The code_verifier is not the right one.")),
        },
    }
}

fn fits(challenge: &str, verifier: &str) -> bool {
    let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
    (43..=128).contains(&verifier.len())
        && is_unreserved(verifier)
        && base64url_encode(digest.as_ref()) == challenge
}

fn is_unreserved(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
