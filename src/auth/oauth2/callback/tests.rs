use super::*;
use crate::AfterShip;
use crate::testing::kind_name;
use connector_sdk::{FnHost, Response, SecretError};
use host_harness::vault::{self, Secret};
use proptest::prelude::*;

fn host() -> FnHost<impl FnMut(connector_sdk::Request) -> Result<Response, connector_sdk::SendError>>
{
    FnHost::of::<AfterShip>(|_| panic!("nothing is sent")).verifying(
        |name, algorithm, message, signature| {
            assert_eq!(name, "client-secret");
            Ok(vault::verify_any(algorithm, &[Secret::new("s3cret")], message, signature).unwrap())
        },
    )
}

fn case(result: &Result<String, Error>) -> String {
    match result {
        Ok(code) => code.clone(),
        Err(error) => kind_name(error).split([' ', '(']).next().unwrap().to_owned(),
    }
}

fn signed(query: &str) -> String {
    let mac = vault::sign("hmac-sha256", &Secret::new("s3cret"), query.as_bytes()).unwrap();
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_code_is_read_as_forms_are() {
    for (query, expected) in [
        ("code=SplxlOBe&state=kq0f", "SplxlOBe"),
        ("state=kq0f&code=a%2Bb+c%20d%C3%A9", "a+b c dé"),
        ("c%6Fde=1", "1"),
        ("code=1&iss=https%3A%2F%2Fevil.example", "1"),
        ("code=1&hmac=00", "1"),
        ("", "InvalidInput"),
        ("state=kq0f", "InvalidInput"),
        ("code=&state=kq0f", "InvalidInput"),
        ("code=1&code=1", "InvalidInput"),
        ("code=1&c%6fde=2", "InvalidInput"),
        ("code=1&state=a&state=b", "InvalidInput"),
        ("code=%", "InvalidInput"),
        ("code=%4", "InvalidInput"),
        ("code=%+1", "InvalidInput"),
        ("code=%ff", "InvalidInput"),
    ] {
        assert_eq!(case(&code(&host(), query)), expected, "{query}");
    }
}

#[test]
fn a_refusal_keeps_the_providers_words() {
    for (query, expected, words) in [
        ("error=access_denied&error_description=Not+today.", "Forbidden", "(\"Not today\")"),
        ("error=access_denied", "Forbidden", "allow the app"),
        ("error=invalid_scope&state=a", "Forbidden", "`scopes`"),
        ("error=unauthorized_client", "Forbidden", "Partner Dashboard"),
        ("error=server_error&code=1", "Unavailable", "server_error"),
        ("error=temporarily_unavailable", "Unavailable", "AfterShip's own fault"),
        ("error=odd%0Aline", "Unauthenticated", "odd line"),
    ] {
        let result = code(&host(), query);
        assert_eq!(case(&result), expected, "{query}");
        assert!(result.unwrap_err().message.contains(words), "{query}");
    }
}

/// RFC 9207: an operator who names the issuer knows that it names itself.
#[test]
fn another_issuer_is_refused() {
    for (query, expected) in [
        ("code=1&iss=https%3A%2F%2Fissuer.example", "1"),
        ("code=1&iss=https%3A%2F%2Fissuer.example%2F", "InvalidInput"),
        ("code=1&iss=https%3A%2F%2Fevil.example", "InvalidInput"),
        ("code=1", "InvalidInput"),
        ("error=access_denied&iss=https%3A%2F%2Fevil.example", "InvalidInput"),
    ] {
        let host = host().with_setting("issuer", "https://issuer.example");
        assert_eq!(case(&code(&host, query)), expected, "{query}");
    }
}

#[test]
fn a_signature_covers_the_query_as_it_came() {
    let query = "code=a%2bb&state=k+q";
    let mac = signed(query);
    for (query, expected) in [
        (format!("{query}&hmac={mac}"), "a+b"),
        (format!("hmac={mac}&{query}"), "a+b"),
        (format!("code=a%2bb&hmac={}&state=k+q", mac.to_uppercase()), "a+b"),
        (format!("code=a%2Bb&state=k+q&hmac={mac}"), "InvalidInput"),
        (format!("state=k+q&code=a%2bb&hmac={mac}"), "InvalidInput"),
        (format!("{query}&x=1&hmac={mac}"), "InvalidInput"),
        (format!("{query}&hmac={mac}&hmac={mac}"), "InvalidInput"),
        (format!("{query}&hmac={}", mac.split_at(2).1), "InvalidInput"),
        (format!("{query}&hmac={}", mac.split_at(1).1), "InvalidInput"),
        (format!("{query}&hmac="), "InvalidInput"),
        (format!("{query}&hmac=zz"), "InvalidInput"),
        (query.to_owned(), "InvalidInput"),
        // Before anything else: a forged refusal is no refusal.
        ("error=access_denied".to_owned(), "InvalidInput"),
    ] {
        let host = host().with_setting("callback-hmac", "on");
        assert_eq!(case(&code(&host, &query)), expected, "{query}");
    }
}

#[test]
fn without_the_key_no_callback_is_believed() {
    for (why, expected) in [
        (SecretError::NotFound, "Unauthenticated"),
        (SecretError::Unavailable, "Unavailable"),
        (SecretError::Denied, "Internal"),
    ] {
        let host = FnHost::of::<AfterShip>(|_| panic!("nothing is sent"))
            .verifying(move |_, _, _, _| Err(why));
        let host = host.with_setting("callback-hmac", "on");
        assert_eq!(case(&code(&host, "code=1&hmac=00")), expected);
    }
}

proptest! {
    #[test]
    fn any_query_is_read_or_refused(query in ".{0,60}") {
        for hmac in ["on", "off"] {
            let _ = code(&host().with_setting("callback-hmac", hmac), &query);
        }
    }

    #[test]
    fn what_is_encoded_reads_back(value in ".{1,20}") {
        let mut encoded = String::new();
        connector_sdk::path::push_encoded(&mut encoded, &value);
        prop_assert_eq!(code(&host(), &format!("code={encoded}")), Ok(value));
    }
}
