//! What every [`Mirror`](crate::mirror::Mirror) must do.

mod counts;
mod derived;
mod history;
mod lists;
mod log;
pub mod random;
mod records;
mod rules;
mod scans;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::types::DataRecord;

pub use self::counts::*;
pub use self::derived::*;
pub use self::history::*;
pub use self::lists::*;
pub use self::log::*;
pub use self::random::{
    any_order_of_versions_ends_as_the_newest, what_belongs_together_does_whatever_comes,
};
pub use self::records::*;
pub use self::rules::*;
pub use self::scans::*;
use super::{Database, START_S, State, connection};
use crate::mirror::{Applied, Batch, Derived, MirroredRecord, ScanKind, ScanRow, ScanStep, Source};
use crate::{Change, Lease};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! mirror_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* mirror:
            a_record_is_created_updated_and_kept [apply record moment]
            nothing_is_written_for_what_is_known [apply moment]
            what_is_older_changes_nothing [apply]
            look_ups_that_fail_are_given_up_in_the_end [fail_look_ups failing look_ups dead_letters]
            what_is_unchanged_is_known_before_it_is_derived [unchanged apply]
            what_cannot_be_decided_is_looked_up [apply look_ups]
            a_look_up_that_was_asked_too_early_settles_nothing [apply look_ups]
            what_is_gone_comes_back_by_a_look_up_alone [apply record]
            what_was_never_here_can_be_gone [apply record]
            what_aged_out_is_not_removed [apply record]
            our_own_write_is_marked [apply changes]
            a_change_tells_the_delivery_that_brought_it [changes history apply]
            what_a_pull_met_of_our_write_is_ours_with_all_that_it_holds [apply changes]
            a_record_is_followed_back_to_where_it_began [history apply]
            the_newest_versions_of_a_record_are_kept [history apply]
            versions_are_forgotten_in_time [history]
            what_was_removed_is_forgotten_within_a_week [history]
            a_reset_forgets_what_records_were [history reset]
            derived_records_have_changes_without_contents [history]
            records_come_in_the_order_of_their_ids [records count]
            derived_records_come_by_their_holders [records record]
            a_derived_record_of_another_holder_is_refused [apply]
            what_belongs_to_no_connection_is_refused [apply change_scan]
            derived_records_follow_their_holders [apply record]
            derived_records_go_with_their_holders [apply record]
            a_page_and_its_cursor_are_one [apply scans]
            a_lost_lease_commits_nothing [apply change_scan]
            a_full_scan_tells_what_it_did_not_see [unseen count_unseen]
            a_tainted_scan_sweeps_nothing [apply scans]
            bookmarks_are_kept_by_the_hour [bookmark_before]
            changes_are_read_from_a_position [changes positions set_position forget_consumer moment moments]
            old_changes_are_forgotten_but_for_who_reads_them [changes set_position]
            pruned_changes_are_missed_aloud [prune_changes changes]
            dead_letters_are_kept_once [dead_letters remove_dead_letter]
            drift_is_told_once [apply changes]
            a_reset_forgets_everything_but_the_log [reset]
            removing_a_connection_removes_its_mirror [apply]
            any_order_of_versions_ends_as_the_newest [apply]
            what_belongs_together_does_whatever_comes [apply changes count records record history]
            lists_are_filtered_and_sorted_by_members [list set_indexes]
            a_list_that_cannot_be_is_refused [list]
            a_list_goes_on_while_records_change [list]
            another_index_is_built_of_what_is_there [set_indexes list value_counts]
            lists_and_counts_are_right_whatever_comes [list value_counts set_indexes analytics]
            values_without_end_are_counted_together [value_counts]
            statuses_are_counted_by_the_day_they_were_entered [analytics set_indexes]
            rules_are_raised_when_they_are_due [wake_rules list value_counts]
            rules_are_cleared_when_they_no_longer_hold [wake_rules apply reset]
            a_rule_that_is_set_is_found_out_anew [set_rule rule_settings]
            rules_come_with_the_index [set_indexes wake_rules]
            rules_are_right_whatever_comes [wake_rules set_rule list]
            two_processes_share_one_mirror [apply]
            one_of_many_gets_a_lease [change_scan]
        }
    };
}

/// Id of the connection that all of this belongs to.
const WHOSE: &str = "id-of-a";
const OBJECT: &str = "orders";

/// A mirror with the connection `a`.
async fn mirror(database: &impl Database) -> Arc<dyn State> {
    let mirror = database.open();
    mirror.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    mirror
}

/// A record that changed so many seconds after time began.
fn record(id: &str, changed_s: i64, data: &str) -> DataRecord {
    let at = time::OffsetDateTime::from_unix_timestamp(START_S as i64 + changed_s).unwrap();
    let at = at.format(&time::format_description::well_known::Rfc3339).unwrap();
    DataRecord {
        id: id.to_owned(),
        updated_at: Some(at),
        created_at: Some("2023-11-01T00:00:00Z".to_owned()),
        version: None,
        data: data.to_owned(),
    }
}

/// A batch without anything.
async fn batch(mirror: &Arc<dyn State>, source: Source) -> Batch {
    Batch::new(WHOSE, OBJECT, source, mirror.moment(WHOSE).await.unwrap())
}

/// Applies records of a request that is begun and answered just now.
async fn arrive(mirror: &Arc<dyn State>, source: Source, records: Vec<DataRecord>) -> Applied {
    let batch = batch(mirror, source).await;
    mirror.apply(Batch { records, ..batch }).await.unwrap()
}

/// The provider says just now that these are gone.
async fn gone(mirror: &Arc<dyn State>, source: Source, ids: &[&str]) -> Applied {
    let batch = batch(mirror, source).await;
    let deleted = ids.iter().map(|id| (*id).to_owned()).collect();
    mirror.apply(Batch { deleted, ..batch }).await.unwrap()
}

async fn kept(mirror: &Arc<dyn State>, id: &str) -> MirroredRecord {
    mirror.record(WHOSE, OBJECT, id).await.unwrap().unwrap()
}

/// Begins a scan, with a lease named after it.
async fn begin(mirror: &Arc<dyn State>, kind: ScanKind) -> ScanRow {
    let begin = move |row: &ScanRow, _: u64| {
        let scan = row.scan + 1;
        Some(ScanRow {
            scan,
            kind: Some(kind),
            running: true,
            cursor: None,
            pages: 0,
            records: 0,
            tainted: false,
            lease: Some(Lease { attempt: format!("attempt-{scan}"), until_ms: 1 }),
            ..row.clone()
        })
    };
    mirror.change_scan(WHOSE, OBJECT, Box::new(begin)).await.unwrap()
}

/// A page of the scan.
async fn page(
    mirror: &Arc<dyn State>,
    scan: &ScanRow,
    records: Vec<DataRecord>,
    next: Option<&str>,
) -> Batch {
    let step = ScanStep {
        scan: scan.scan,
        attempt: format!("attempt-{}", scan.scan),
        next: next.map(str::to_owned),
        wait_ms: None,
        bookmark: next.is_none().then(|| format!("bookmark-{}", scan.scan)),
        outside: 0,
        lease_ms: 2,
    };
    Batch { records, step: Some(step), ..batch(mirror, Source::Page).await }
}

async fn scan(mirror: &Arc<dyn State>) -> ScanRow {
    mirror.scans(WHOSE).await.unwrap().into_iter().find(|row| row.object == OBJECT).unwrap()
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

fn now_ms(passed_s: u64) -> u64 {
    (START_S + passed_s) * 1_000
}
