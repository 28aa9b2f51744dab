//! Servers that forget what they confirmed, that only follow another one, or that are not who they say.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;
use crate::testing::TestServer;

async fn open(given: &str) -> Result<(), String> {
    let address = Address::read(given, |_| None).map_err(|error| error.to_string())?;
    Postgres::open(&address).await.map(drop).map_err(|error| error.to_string())
}

#[track_caller]
fn assert_tells(refused: Result<(), String>, parts: &[&str]) {
    let refused = refused.unwrap_err();
    assert!(parts.iter().all(|part| refused.contains(part)), "{refused}");
}

/// Also when the tables are there: a server is looked at each time.
#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn a_server_that_would_lose_commits_or_lags_is_refused() {
    let server = TestServer::on_loopback("lax");
    let place = server.place_at("127.0.0.1");
    open(&place).await.unwrap();
    for setting in ["fsync", "full_page_writes"] {
        server.set(&[(setting, "off")]);
        let fix = format!("set {setting} = on in its postgresql.conf");
        assert_tells(open(&place).await, &[&format!("{setting} = off"), &fix]);
        server.set(&[(setting, "on")]);
    }
    open(&place).await.unwrap();
    server.keep("data/standby.signal", "");
    server.crash();
    server.wait_until("SELECT pg_is_in_recovery()");
    assert_tells(open(&place).await, &["replica", "name the primary"]);
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn who_the_server_is_is_checked() {
    let server = TestServer::on_loopback("tls");
    // It listens there too, and is beyond loopback by its address.
    let beyond = server.place_at("0.0.0.0");
    assert_tells(open(&format!("{beyond}?sslmode=disable")).await, &["verify-full"]);
    assert_tells(open(&beyond).await, &["does not support TLS"]);

    let (own, other, key) = (authority(), authority(), KeyPair::generate().unwrap());
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &own).unwrap().pem();
    let certificate = server.keep("server.pem", &certificate).display().to_string();
    let key = server.keep("server.key", &key.serialize_pem()).display().to_string();
    server.set(&[("ssl_cert_file", &certificate), ("ssl_key_file", &key), ("ssl", "on")]);
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let own_file = server.keep("own.pem", &own.pem());
    let other_file = server.keep("other.pem", &other.pem());
    let mixed_file = server.keep("mixed.pem", &format!("{}{odd}", own.pem()));
    let empty_file = server.keep("empty.pem", "");
    let through = async |host: &str, file: &std::path::Path| {
        let place = server.place_at(host);
        open(&format!("{place}?sslmode=verify-full&sslrootcert={}", file.display())).await
    };
    through("localhost", &own_file).await.unwrap();
    assert_tells(through("localhost", &other_file).await, &["invalid peer certificate"]);
    assert_tells(through("127.0.0.1", &own_file).await, &["not valid for name", "localhost"]);
    assert_tells(through("0.0.0.0", &own_file).await, &["not valid for name"]);
    assert_tells(open(&beyond).await, &["invalid peer certificate"]);
    assert_tells(
        through("localhost", &mixed_file).await,
        &["1 of 2 certificates", "take them out"],
    );
    assert_tells(through("localhost", &empty_file).await, &["holds no certificate"]);
}
