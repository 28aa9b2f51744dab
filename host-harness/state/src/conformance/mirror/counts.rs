//! Counts by value, and by the day.

use super::lists::{index, indexed, usual};
use super::*;
use crate::mirror::MemberIndex;
use crate::mirror::analytics::AnalyzedMembers;

/// So many values are counted on their own, and all others together.
pub async fn values_without_end_are_counted_together(database: &impl Database) {
    let mirror = mirror(database).await;
    index(&mirror, indexed(&[&["/n"]], &["/n"])).await;
    let of =
        |id: u64, n: u64| record(&id.to_string(), n as i64 % 7, &format!(r#"{{"n":"{n:05}"}}"#));
    let most = crate::mirror::plan::VALUES;
    for from in (0..most + 200).step_by(200) {
        arrive(&mirror, Source::Page, (from..from + 200).map(|id| of(id, id)).collect()).await;
    }
    let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap().members.remove(0);
    assert_eq!((counts.values.len() as u64, counts.others), (most, 200));
    // One that leaves its place leaves it to nobody, so that each is taken from where it was added.
    gone(&mirror, Source::Lookup, &["0", "1100"]).await;
    let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap().members.remove(0);
    assert_eq!((counts.values.len() as u64, counts.others), (most - 1, 199));
    arrive(&mirror, Source::Lookup, vec![of(2_000, 1_100), of(2_001, 0)]).await;
    let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap().members.remove(0);
    assert_eq!((counts.values.len() as u64, counts.others), (most, 200));
    // Commit by commit, more of them than any database puts together.
    for id in 1..150 {
        gone(&mirror, Source::Lookup, &[&id.to_string()]).await;
        let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap().members.remove(0);
        assert_eq!((counts.values.len() as u64, counts.others), (most - id, 200));
    }
    // Once nothing is counted together, places that nobody has are given to others.
    let last: Vec<String> = (most..most + 200).chain([2_000]).map(|id| id.to_string()).collect();
    gone(&mirror, Source::Lookup, &last.iter().map(String::as_str).collect::<Vec<_>>()).await;
    arrive(&mirror, Source::Lookup, (3_000..3_100).map(|id| of(id, id)).collect()).await;
    let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap().members.remove(0);
    assert_eq!((counts.values.len() as u64, counts.others), (most - 49, 0));
}

/// Each status that a record enters is counted once, on the day on which the provider says that it changed,
/// and for as long as that day is kept.
pub async fn statuses_are_counted_by_the_day_they_were_entered(database: &impl Database) {
    let mirror = mirror(database).await;
    let status = AnalyzedMembers { status: "/tag".to_owned(), ..AnalyzedMembers::default() };
    let analyzed = MemberIndex { analyzed: Some(status), ..usual() };
    let of = |id: &str, days: i64, tag: &str, n: u64| {
        record(id, days * 86_400, &format!(r#"{{"tag":"{tag}","number":"{n}"}}"#))
    };
    let entered = || async {
        let told = mirror.analytics(WHOSE, OBJECT).await.unwrap();
        assert_eq!(told.others[3], 0);
        let days = told.entered.into_iter();
        days.map(|(day, counts)| (day, counts.into_iter().collect())).collect::<Vec<_>>()
    };
    let is = |days: &[(&str, &[(&str, u64)])]| {
        let counts = |counts: &[(&str, u64)]| -> Vec<(String, u64)> {
            counts.iter().map(|(status, count)| ((*status).to_owned(), *count)).collect()
        };
        days.iter().map(|(day, all)| ((*day).to_owned(), counts(all))).collect::<Vec<_>>()
    };
    // Time began on 2023-11-14. What is there when the index comes is counted as it is.
    arrive(&mirror, Source::Page, vec![of("1", -3, "new", 0), of("2", -9, "new", 0)]).await;
    arrive(&mirror, Source::Page, vec![of("1", -2, "out", 0), of("9", -400, "new", 0)]).await;
    index(&mirror, analyzed).await;
    while mirror.maintain().await.unwrap() {}
    let (first, second) = (("2023-11-05", &[("new", 1)][..]), ("2023-11-12", &[("out", 1)][..]));
    assert_eq!(entered().await, is(&[first, second]));
    // Another version in the same status, what is gone, and what is back in a status.
    arrive(&mirror, Source::Page, vec![of("1", -1, "out", 1), of("2", -1, "out", 1)]).await;
    gone(&mirror, Source::Lookup, &["2"]).await;
    arrive(&mirror, Source::Lookup, vec![of("1", 0, "new", 2), of("3", 9, "new", 0)]).await;
    let (third, fourth) = (("2023-11-13", &[("out", 1)][..]), ("2023-11-14", &[("new", 2)][..]));
    assert_eq!(entered().await, is(&[first, second, third, fourth]));
    // Days go by, more of them than are kept, and so do commits.
    pass(398 * 86_400).await;
    for n in 0..70 {
        let tag = if n % 2 == 0 { "out" } else { "new" };
        arrive(&mirror, Source::Lookup, vec![of("1", 398, tag, n)]).await;
    }
    let today = ("2024-12-16", &[("new", 35), ("out", 35)][..]);
    assert_eq!(entered().await, is(&[third, fourth, today]));
}
