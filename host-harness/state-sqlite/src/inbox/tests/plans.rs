//! How it goes about its statements.

use crate::inbox::{self, arrivals, events, forget, hooks, numbers, rows};
use crate::plans;
use crate::tests::OnDisk;
use connector_state::conformance::Database as _;

/// One row for each connection, or for each of its objects.
const SMALL: [&str; 4] = ["c", "i", "hooks", "subscriptions"];

#[test]
fn nothing_walks_what_grows() {
    let statements = [
        ("hooks", inbox::HOOKS),
        ("subscriptions", inbox::SUBSCRIPTIONS),
        ("subscriptions of a connection", inbox::SUBSCRIPTIONS_OF),
        ("due", inbox::DUE),
        ("due events", events::DUE),
        ("deliveries", inbox::DELIVERIES),
        ("deliveries of a connection", inbox::DELIVERIES_OF),
        ("a delivery", inbox::DELIVERY),
        ("its events", events::OF_DELIVERY),
        ("its body", rows::BODY),
        ("dead events", events::DEAD),
        ("dead events of a connection", events::DEAD_OF),
        ("counts", inbox::COUNT),
        ("counts of a connection", inbox::COUNT_OF),
        ("a delivery comes: whose", numbers::INBOX),
        ("a delivery comes: objects of its connection", arrivals::OF_CONNECTION),
        ("a delivery comes: numbers", numbers::READ),
        ("a delivery comes: a key that may be known", numbers::KNOWN),
        ("a delivery comes: its key", numbers::PUT_KEY),
        ("a delivery comes: its row", arrivals::PUT),
        ("a delivery comes: an event", events::PUT),
        ("a delivery comes: its subscriptions", arrivals::WORKS),
        ("a delivery comes: what waits", numbers::COUNT),
        ("a delivery comes: new numbers", numbers::WRITE),
        ("an event", events::ONE),
        ("an event is settled: as it was", events::HEAD),
        ("an event is settled", events::CHANGE),
        ("an event goes", events::REMOVE),
        ("a delivery is read again: the delivery", events::DELIVERY),
        ("a delivery is read again: other events", events::NUMBERS),
        ("a delivery is read again: their numbers", events::MOVE),
        ("a delivery is read again: its numbers", events::RANGE),
        ("a hook", hooks::ONE),
        ("a hook changes", hooks::CHANGE),
        ("a lease", hooks::LEASE),
        ("a lease is taken", hooks::TAKE),
        ("a lease is given back", hooks::RELEASE),
        ("old deliveries", forget::OLDEST),
        ("an old delivery", forget::ONE),
        ("states of its events", forget::STATES),
        ("any of its events", forget::ANY_EVENT),
        ("its events go", forget::REMOVE_EVENTS),
        ("some of its events go", forget::REMOVE_SOME),
        ("it goes", forget::REMOVE),
        ("old keys go", forget::REMOVE_OLD_KEYS),
        ("a connection is erased: deliveries", forget::OF_INBOX),
        ("a connection is erased: the oldest keys", forget::OLDEST_GENERATION),
        ("a connection is erased: keys", forget::REMOVE_KEYS),
    ];
    let sqlite = OnDisk::new().sqlite();
    let text = sqlite.with_connection(|on| plans::text(on, &statements, &SMALL));
    plans::check("inbox/plans.txt", &text);
}
