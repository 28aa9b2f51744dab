use connector_contract::permissions::{Capture, HeaderPlace, Limit, Rate, Sharing};
use connector_contract::setup::{Scheme, SecretField};

use super::*;

fn setting(name: &str, setter: Setter, form: Form) -> Setting {
    let (name, title) = (name.to_owned(), String::new());
    Setting { name, title, default: None, setter, form, required_by: vec![] }
}

fn header(name: &str) -> Place {
    Place::Header(HeaderPlace { name: name.to_owned(), prefix: String::new() })
}

fn any() -> Form {
    Form::Url(vec!["*".to_owned()])
}

/// A manifest with one endpoint.
fn manifest(origin: &str, path: &str) -> Manifest {
    let field = |name: &str, setter| SecretField {
        name: name.to_owned(),
        title: String::new(),
        required: true,
        setter,
    };
    let place = |name: &str, secret: &str, place| SecretUse {
        name: name.to_owned(),
        secret: secret.to_owned(),
        place,
    };
    Manifest {
        name: "sample".to_owned(),
        title: "Sample".to_owned(),
        version: "0.2.0".to_owned(),
        provider_api_version: "1".to_owned(),
        schemes: vec![Scheme {
            name: "key".to_owned(),
            title: String::new(),
            secrets: vec![
                field("api-key", Setter::Customer),
                field("client-secret", Setter::Operator),
            ],
            interactive: false,
        }],
        settings: vec![
            setting("token-url", Setter::Operator, any()),
            setting("own-url", Setter::Customer, any()),
            setting("shop", Setter::Customer, Form::Label),
        ],
        endpoints: vec![Endpoint {
            name: "one".to_owned(),
            method: "POST".to_owned(),
            origin: origin.to_owned(),
            path: path.to_owned(),
            writes: true,
            limits: vec!["few".to_owned()],
            secret_uses: vec![],
            captures: vec![],
        }],
        limits: vec![Limit {
            name: "few".to_owned(),
            measure: Measure::Requests(Rate { amount: 1, window_ms: 1 }),
            shared_by: Sharing::Account,
        }],
        secret_uses: vec![
            place("key", "api-key", header("x-key")),
            place("client", "client-secret", Place::FormField("client_secret".to_owned())),
            place("token", "api-key", Place::Path("bot".to_owned())),
        ],
        delivery_secrets: vec![],
        key_uses: vec![],
        objects: vec![],
        more: vec![("icon".to_owned(), "\"of a later version\"".to_owned())],
    }
}

fn judged(manifest: &Manifest, expected: Result<(), &str>) {
    match (check(manifest), expected) {
        (Ok(()), Ok(())) => {}
        (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
        (result, _) => panic!("{result:?} instead of {expected:?}"),
    }
}

#[test]
fn an_endpoint_needs_a_path_unless_a_setting_holds_it() {
    for (origin, path, expected) in [
        ("https://login.example.com", "/token", Ok(())),
        ("https://{shop}.example.com", "/v1/*/things/**", Ok(())),
        ("{token-url}", "/token", Ok(())),
        ("{token-url}", "", Ok(())),
        ("https://login.example.com", "", Err("begin with /")),
        ("https://{shop}.example.com", "", Err("begin with /")),
        ("{token-url}", "token", Err("begin with /")),
        ("{token-url}", "/**/x", Err("segment \"**\"")),
        ("{token-url}", "/a*/x", Err("segment \"a*\"")),
        ("{token-url}", "/x{token}", Err("segment \"x{token}\"")),
        ("{token-url}", "/{token}", Err("none of its secret uses")),
        ("https://{shop}.com", "/", Err("nobody's own")),
        ("http://login.example.com", "/", Err("https://")),
        ("{shop}", "/", Err("form url")),
        ("{other}", "", Err("not declared")),
    ] {
        judged(&manifest(origin, path), expected);
    }
}

#[test]
fn a_secret_in_a_path_has_one_place_there() {
    for (path, expected) in [
        ("/{token}/send", Ok(())),
        ("/send", Err("not exactly once")),
        ("/{token}/{token}", Err("not exactly once")),
    ] {
        let mut one = manifest("https://api.example.com", path);
        one.endpoints[0].secret_uses = vec!["token".to_owned()];
        judged(&one, expected);
    }
}

#[test]
fn the_operators_secrets_go_nowhere_that_a_customer_chooses() {
    for (origin, secret, expected) in [
        ("{own-url}", "key", Ok(())),
        ("{token-url}", "client", Ok(())),
        ("https://{shop}.example.com", "client", Ok(())),
        ("{own-url}", "client", Err("operator's secret \"client-secret\"")),
    ] {
        let mut one = manifest(origin, "/x");
        one.endpoints[0].secret_uses = vec![secret.to_owned()];
        judged(&one, expected);
    }
}

/// One thing wrong with a good manifest, and a word of what is said of it.
type Wrong = (fn(&mut Manifest), &'static str);

#[test]
fn what_contradicts_itself_is_refused() {
    let wrong: [Wrong; 27] = [
        (|it| it.endpoints.push(it.endpoints[0].clone()), "endpoint name \"one\""),
        (|it| it.endpoints[0].name.clear(), "endpoint name \"\""),
        (|it| it.endpoints[0].method = "post".to_owned(), "upper-case"),
        (|it| it.endpoints[0].limits.push("none".to_owned()), "limit \"none\""),
        (|it| it.endpoints[0].secret_uses.push("none".to_owned()), "secret use \"none\""),
        (
            |it| it.limits[0].measure = Measure::Requests(Rate { amount: 0, window_ms: 1 }),
            "nothing",
        ),
        (|it| it.limits[0].measure = Measure::Points(Rate { amount: 1, window_ms: 0 }), "nothing"),
        (|it| it.limits[0].measure = Measure::AtOnce(0), "nothing"),
        (|it| it.limits.push(it.limits[0].clone()), "limit name \"few\""),
        (|it| it.secret_uses.push(it.secret_uses[0].clone()), "secret use name \"key\""),
        (|it| it.secret_uses[0].place = Place::Other("xml:/a".to_owned()), "xml:/a"),
        (|it| it.secret_uses[0].place = header("content-length"), "belongs to the host"),
        (|it| it.secret_uses[0].place = header("bad name"), "no header name"),
        (|it| it.secret_uses[0].place = Place::Json("a".to_owned()), "JSON Pointer"),
        (|it| it.secret_uses[0].place = Place::Query(String::new()), "no name"),
        (|it| it.secret_uses[0].place = Place::BasicPassword("{none}".to_owned()), "\"none\""),
        (|it| it.delivery_secrets.push("none".to_owned()), "\"none\""),
        (|it| it.delivery_secrets.push("client".to_owned()), "no place in a delivery"),
        (|it| it.settings.push(it.settings[0].clone()), "setting name"),
        (|it| it.settings[0].name = "scheme".to_owned(), "reserved"),
        (|it| it.settings[0].required_by.push("none".to_owned()), "\"none\""),
        (|it| it.settings[2].form = Form::IdOf("sites".to_owned()), "\"sites\""),
        (|it| it.settings[2].form = Form::Choice(vec![]), "no choice"),
        (|it| it.settings[2].default = Some("a.b".to_owned()), "default"),
        (|it| it.settings[0].setter = Setter::Connector, "learn no URL"),
        (|it| it.schemes.push(it.schemes[0].clone()), "scheme name \"key\""),
        (
            |it| {
                let (secret, place) = ("token".to_owned(), Place::Query("t".to_owned()));
                it.endpoints[0].captures.push(Capture { secret, place });
            },
            "outside json and header",
        ),
    ];
    judged(&manifest("{token-url}", "/x"), Ok(()));
    for (spoil, expected) in wrong {
        let mut one = manifest("{token-url}", "/x");
        spoil(&mut one);
        judged(&one, Err(expected));
    }
}
