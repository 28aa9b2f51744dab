//! The flags, and what they make.

use aftership_simulator::{Webhook, WebhookEvent, WebhookVersion};

use super::*;

#[test]
fn the_flags_are_consistent() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
}

#[test]
fn the_flags_make_settings() {
    let cli = Cli::parse_from([
        "aftership-simulator",
        "--retention-days",
        "off",
        "--no-limits",
        "--api-key",
        "a",
        "--api-key",
        "b",
        "--now",
        "2026-11-22T12:00:00+00:00",
        "--time-scale",
        "0",
    ]);
    let options = cli.options().unwrap();
    assert_eq!(options.retention_days, None);
    assert_eq!(options.api_keys, ["a", "b"]);
    assert!(!options.limits);
    assert_eq!(options.clock.now_ms(), 1_795_348_800_000);
    let default = Options::default();
    assert_eq!(options.scopes, default.scopes);
    assert_eq!(options.active_couriers, default.active_couriers);
    assert!(options.predictions);
}

#[test]
fn flags_of_couriers_and_scopes_take_the_place_of_the_defaults() {
    let cli = Cli::parse_from([
        "aftership-simulator",
        "--scope",
        "aftership:courier:read",
        "--active-courier",
        "dpd",
        "--retired-courier",
        "tnt",
        "--no-predictions",
        "--predict-list",
        "--mask-credentials",
        "--merge-credentials",
        "--merge-custom-fields",
        "--date-skew",
        "-30:4",
        "--cache",
        "60",
        "--daily-quota",
        "100",
        "--token-answer",
        "same-tokens",
    ]);
    let options = cli.options().unwrap();
    assert_eq!(options.scopes, [Scope::CourierRead]);
    assert_eq!(options.active_couriers, ["dpd"]);
    assert_eq!(options.retired_couriers, ["tnt"]);
    assert!(!options.predictions);
    assert_eq!(options.predict_answer, PredictAnswer::List);
    assert_eq!(options.connection_answer, ConnectionAnswer::Masked);
    assert_eq!(options.custom_fields_update, CustomFieldsUpdate::Merge);
    assert_eq!(options.date_skew, DateSkew { seconds: -30, answers: Some(4) });
    assert_eq!((options.cache_seconds, options.daily_quota), (60, Some(100)));
    assert_eq!(options.oauth.token_answer, aftership_simulator::TokenAnswer::SameTokens);
    assert_eq!(options.credentials_update, CredentialsUpdate::Merge);
}

#[test]
fn a_lag_is_fixed_or_rolled() {
    for (flag, lag) in [
        ("0", IndexLag::None),
        ("2.5", IndexLag::Fixed(2_500)),
        ("7:30", IndexLag::Random { seed: 7, most_ms: 30_000 }),
    ] {
        let cli = Cli::parse_from(["aftership-simulator", "--index-lag", flag, "--shuffle", "9"]);
        let options = cli.options().unwrap();
        assert_eq!((options.index_lag, options.shuffle), (lag, Some(9)));
    }
}

#[test]
fn webhooks_are_made_of_flags_and_a_secret_of_the_environment() {
    let cli = Cli::parse_from([
        "aftership-simulator",
        "--webhook",
        "http://127.0.0.1:1/a",
        "--webhook",
        "http://127.0.0.1:1/b",
        // Always there.
        "--webhook-secret-env",
        "PATH",
        "--webhook-version",
        "2025-07",
        "--webhook-event",
        "edd_revise",
        "--webhook-faults",
        "7:50",
        "--pending-hours",
        "48",
    ]);
    let webhook = |url| {
        let webhook = Webhook::new(url, &std::env::var("PATH").unwrap());
        webhook.version(WebhookVersion::V2025_07).events(&[WebhookEvent::EddRevise])
    };
    let expected = ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"].map(webhook);
    assert_eq!(cli.webhooks.webhooks().unwrap(), expected);
    let options = cli.options().unwrap().webhooks;
    assert_eq!(options.pending_ms, 48 * 3_600_000);
    assert_eq!(options.faults.unwrap().rate, 0.5);

    let unset = ["aftership-simulator", "--webhook", "http://x", "--webhook-secret-env", "NOT_SET"];
    let error = Cli::parse_from(unset).webhooks.webhooks().unwrap_err();
    assert!(error.to_string().contains("NOT_SET"), "{error}");
    let alone = ["aftership-simulator", "--webhook-test"];
    assert!(Cli::try_parse_from(alone).is_err());
}

#[test]
fn senseless_flags_are_refused() {
    let parse = |flags: [&'static str; 2]| {
        Cli::try_parse_from(["aftership-simulator"].into_iter().chain(flags))
    };
    assert!(parse(["--retention-days", "soon"]).is_err());
    for lag in ["soon", "-1", "7:", ":7", "NaN"] {
        assert!(parse(["--index-lag", lag]).is_err(), "{lag}");
    }
    assert!(parse(["--scope", "tracking"]).is_err());
    assert!(parse(["--now", "soon"]).unwrap().options().is_err());
    assert!(parse(["--time-scale", "NaN"]).unwrap().options().is_err());
}
