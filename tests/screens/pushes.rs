//! Files that are pushed: kept, looked at, begun, and what failed of them.

use super::browser::Browser;
use crate::support::world::TRACKINGS as PROVIDERS;

const NEW: &str = "/pushes/new";

fn fields<'f>(map: &'f str, key: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
        ("key", key),
        ("connection", "default"),
        ("object", "trackings"),
        ("mode", "upsert"),
        ("form", ""),
        ("map", map),
    ]
}

fn posts(browser: &Browser) -> usize {
    let journal = browser.host.shop.simulator.journal();
    journal.iter().filter(|it| it.method == "POST" && it.path == PROVIDERS).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_shown_before_it_is_written_and_what_failed_comes_back() {
    let browser = Browser::new("pushes").await;
    let none = browser.page("/pushes").await;
    assert!(none.contains("Nothing was pushed"), "{none}");
    let ask = browser.page(NEW).await;
    assert!(ask.contains("multipart/form-data") && ask.contains("value=\"trackings\""), "{ask}");
    let csv = "no;by;title\n1Z12345E0205271688;ups;<script>alert(1)</script>\n\"\";ups;b\n1Z12345E0205271689;ups;c\n";
    let map = r#"{"members": {"/tracking_number": "/no", "/slug": "/by", "/title": "/title"}}"#;
    let wrong = browser.upload(NEW, &fields("{", "a"), ("shop.csv", csv)).await;
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert!(
        wrong.body.contains("The mapping: ") && wrong.body.contains("value=\"default\" selected"),
        "{wrong:?}"
    );
    let kept = browser.upload(NEW, &fields(map, "b"), ("shop.csv", csv)).await;
    assert_eq!(kept.status, 303, "{kept:?}");
    let plan = kept.header("location").to_owned();
    let shown = browser.page(&plan).await;
    assert!(shown.contains("What would be sent of 3 items"), "{shown}");
    assert!(shown.contains("1Z12345E0205271688") && shown.contains("Write 3"), "{shown}");
    assert!(shown.contains("create") && !shown.contains("<script>alert"), "{shown}");
    assert_eq!(posts(&browser), 0, "nothing was written");
    let run = plan.strip_suffix("/plan").unwrap();
    let page = browser.page(run).await;
    assert!(page.contains("Not begun") && page.contains("Discard"), "{page}");

    // It is not thrown away without a question.
    let asks = browser.post(&format!("{run}/discard"), &[("key", "c")]).await;
    assert!(asks.body.contains("Discard 3 items?"), "{asks:?}");
    let gone = browser.done(&format!("{run}/discard"), &[("key", "c"), ("sure", "1")]).await;
    assert!(gone.contains("It is forgotten.") && gone.contains("Nothing was pushed"), "{gone}");
    assert_eq!(browser.ask(run).await.status, 404);

    let kept = browser.upload(NEW, &fields(map, "d"), ("shop.csv", csv)).await;
    let run = kept.header("location").strip_suffix("/plan").unwrap().to_owned();
    let begun = browser.done(&format!("{run}/begin"), &[("key", "e")]).await;
    assert!(begun.contains("It is begun."), "{begun}");
    let ended = browser.until(&run, |page| page.contains("Ended, some failed")).await;
    assert!(ended.contains("2 as wished, 1 failed"), "{ended}");
    let failed = browser.page(&format!("{run}?state=failed")).await;
    assert!(failed.contains("1 item<"), "{failed}");
    let data = browser.data(&format!("{run}?state=failed")).await;
    assert_eq!(
        (&data["failed"], data["items"].as_array().unwrap().len()),
        (&1.into(), 1),
        "{data}"
    );
    let rows = browser.ask(&format!("{run}/failed.csv")).await;
    assert_eq!(rows.body, "sep=;\nno;by;title\n\"\";ups;b\n");
    assert!(rows.header("content-disposition").contains("failed-"), "{rows:?}");
    assert_eq!(posts(&browser), 2);
    let listed = browser.page("/pushes?c=default").await;
    assert!(listed.contains("upsert trackings") && listed.contains("push --list"), "{listed}");
    // A file that is none, and a form that a stranger sends.
    let odd = browser.upload(NEW, &fields("", "f"), ("shop.json", "{\"a\":")).await;
    assert!(odd.status == 422 || odd.status == 303, "{odd:?}");
    assert_eq!(browser.forge(NEW).await.status, 403);
}

/// Records that somebody changed since they were last seen here wait, and go as they are decided.
#[tokio::test(flavor = "multi_thread")]
async fn conflicts_are_decided_one_by_one_or_all() {
    let browser = Browser::new("decided").await;
    let host = &browser.host;
    let wish = |n: usize, title: &str| {
        format!(r#"{{"tracking_number":"1Z12345E02052700{n:02}","slug":"ups","title":"{title}"}}"#)
    };
    let lines = |title: &str| (1..4).map(|n| wish(n, title)).collect::<Vec<_>>().join("\n");
    let write = async |title: &str, key: &str| {
        let kept = browser.upload(NEW, &fields("", key), ("some.ndjson", &lines(title))).await;
        let run = kept.header("location").strip_suffix("/plan").unwrap().to_owned();
        browser.post(&format!("{run}/begin"), &[("key", key)]).await;
        run
    };
    let run = write("ours", "a").await;
    browser.until(&run, |page| page.contains("3 of 3 as wished")).await;
    for id in host.shop.simulator.ids() {
        host.shop.simulator.update(&id, r#"{"title":"<b>theirs</b>"}"#).unwrap();
    }
    let run = write("newer", "b").await;
    let page = browser.until(&run, |page| page.contains("3 parked")).await;
    assert!(page.contains("Somebody else changed these records"), "{page}");
    assert!(page.contains("&#60;b&#62;theirs") && page.contains("newer"), "{page}");
    let seen = browser.data(&run).await["conflicts"][0].clone();
    let (index, theirs) = (seen["index"].to_string(), seen["theirs"].as_str().unwrap());
    let one = [("key", "c"), ("decision", "ours"), ("index", &index), ("theirs", theirs)];
    let decided = browser.done(&format!("{run}/decide"), &one).await;
    assert!(decided.contains("1 is decided."), "{decided}");
    browser.until(&run, |page| page.contains("1 of 3 as wished")).await;
    let asks =
        browser.post(&format!("{run}/decide"), &[("key", "d"), ("decision", "theirs")]).await;
    assert!(asks.body.contains("Leave all 2 as they are?"), "{asks:?}");
    let rest = [("key", "d"), ("decision", "theirs"), ("sure", "1")];
    browser.done(&format!("{run}/decide"), &rest).await;
    browser.until(&run, |page| page.contains("Done")).await;
    let titles = host.shop.simulator.trackings().join("");
    assert_eq!((titles.matches("newer").count(), titles.matches("theirs").count()), (1, 2));
}
