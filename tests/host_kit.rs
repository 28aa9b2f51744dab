//! The host kit (`tests/host-kit`) on this repository's own host. `make test-hosts-kit` runs it on the others.

use std::collections::BTreeSet;
use std::path::Path;

use host_kit::{Case, Hosts, Provider, Reply, Report, judge, read_cases, run};
use serde_json::json;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cases() -> Vec<Case> {
    read_cases(&root().join("tests/host-kit/cases")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn this_host_keeps_every_rule_that_the_kit_probes() {
    let hosts = std::fs::read(root().join("tests/host-kit/hosts.json")).unwrap();
    let hosts: Hosts = serde_json::from_slice(&hosts).unwrap();
    let mut report = Report::default();
    let (host, guests) = (("rust", &hosts.0["rust"]), root().join("dist/guests"));
    run(&mut report, host, &cases(), &guests, root()).await.unwrap();
    println!("{}", report.table());
    assert!(report.is_kept(), "{}", report.table());
}

/// A rule has probes where its page says so, and every probe is of a rule.
#[test]
fn the_page_of_rules_says_which_have_probes() {
    let page = std::fs::read_to_string(root().join("wit/HOSTS.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| H-"));
    let told: BTreeSet<&str> = rows
        .filter(|line| !line.ends_with("| — |"))
        .map(|line| line.split(' ').nth(1).unwrap())
        .collect();
    let cases = cases();
    let probed: BTreeSet<&str> = cases.iter().map(|case| case.rule.as_str()).collect();
    assert_eq!(told, probed);
    let names: BTreeSet<String> = cases.iter().map(Case::name).collect();
    assert_eq!(names.len(), cases.len(), "a name stands for one probe");
}

/// What a host may do wrong is seen: another outcome, a request that was not to be sent or not as
/// it should be, a secret in what it says, a refusal too many or too few.
#[tokio::test]
async fn a_host_that_does_otherwise_is_found_out() {
    let cases = cases();
    let case = cases.iter().find(|case| case.name() == "H-13: the key declared").unwrap();
    let provider = Provider::listen(vec![]).await.unwrap();
    let job = case.job(Path::new("guests"), &format!("http://{}", provider.address));
    let key = job["secrets"]["api-key"][0].as_str().unwrap();
    let good = Reply {
        outcomes: vec![json!({ "ok": { "data": "{\"status\":200}" } })],
        ..Reply::default()
    };
    let sent = vec![format!("GET /things\nx-key: {key}\n\n")];
    judge(case, &job, &good, &sent).unwrap();
    let failed = json!({ "error": { "kind": "internal", "message": "" } });
    let bad = [
        (Reply { outcomes: vec![failed], ..good.clone() }, sent.clone()),
        (Reply { outcomes: vec![], ..good.clone() }, sent.clone()),
        (Reply { refused: Some(String::new()), ..good.clone() }, sent.clone()),
        (Reply { logs: vec!["ca/n+ry&0123456789=\"x".to_owned()], ..good.clone() }, sent.clone()),
        (good.clone(), vec![]),
        (good.clone(), [sent.clone(), sent.clone()].concat()),
        (good.clone(), vec!["GET /things\n\n".to_owned()]),
    ];
    for (number, (reply, sent)) in bad.iter().enumerate() {
        assert!(judge(case, &job, reply, sent).is_err(), "{number}: {reply:?} {sent:?}");
    }
}
