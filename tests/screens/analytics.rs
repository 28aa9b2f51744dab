//! What records say together.

use super::browser::Browser;
use crate::webhooks::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_api_at_none_one_and_hundreds_of_records() {
    let browser = Browser::new("no-figures").await;
    let none = browser.page("/analytics").await;
    assert!(none.contains("Nothing is counted yet"), "{none}");

    let shop = Shop::new("screens-one-figure").await;
    shop.tracking(1);
    let browser = Browser::of(shop).await;
    let one = browser.until("/analytics", |page| page.contains("<h1>1 record</h1>")).await;
    assert!(one.contains("at least 20 are needed"), "{one}");
    assert!(
        one.contains("connector-host records analytics trackings --connection default"),
        "{one}"
    );

    let shop = Shop::new("screens-figures").await;
    shop.simulator.seed(3, 400);
    let browser = Browser::of(shop).await;
    let counted =
        |page: &str| page.contains("In trouble, by reason") && !page.contains("1 record<");
    let path = "/v1/connections/default/objects/trackings";
    browser.host.until(&format!("{path}/records?limit=1"), |page| page["as_of"].is_string()).await;
    let page = browser.until("/analytics?weeks=52", counted).await;
    let told = browser.host.get(&format!("{path}/analytics?weeks=52")).await;
    let mut data = browser.data("/analytics?weeks=52").await;
    let own = data.as_object_mut().unwrap();
    for name in ["connection", "object", "as_of"] {
        assert!(own.remove(name).is_some_and(|it| it.is_string()), "{name}");
    }
    assert_eq!(data, told, "the same document");
    // A difference is told where there is one, and only then.
    let better = told["difference"]["better"].as_str();
    match better {
        Some(better) => {
            assert!(page.contains(&format!("<h1>{better} delivers in time more often")), "{page}");
        }
        None => assert!(!page.contains("more often than"), "{page}"),
    }
    let carriers = told["carriers"].as_array().unwrap();
    let csv = browser.ask("/analytics?card=carriers&as=csv").await;
    assert_eq!(csv.body.lines().count(), carriers.len() + 1, "{csv:?}");
    assert!(csv.header("content-type").starts_with("text/csv"), "{csv:?}");
    let reasons = browser.ask("/analytics?card=reasons&as=csv").await;
    assert!(reasons.body.contains("Exception_0"), "{reasons:?}");
    assert!(page.contains("Returned to sender") || page.contains("customs clearance"), "{page}");
    let lanes = browser.page("/analytics?by=lane").await;
    assert!(lanes.contains("Lanes compared") && lanes.contains(" → "), "{lanes}");
    assert_eq!(browser.ask("/analytics?by=x").await.status, 422);
    assert_eq!(browser.ask("/analytics?card=x&as=csv").await.status, 404);
    assert_eq!(browser.ask("/analytics?c=nobody").await.status, 404);
}
