//! The schema of the file, and the steps that lead to it.
//!
//! The file may be read while a host runs, by any program that speaks SQLite; writing is the
//! host's. Times end in `_ms`: milliseconds since 1970-01-01T00:00:00Z. What begins with
//! `sealed` is ciphertext (see [`crate::vault::Key::seal`]).
//!
//! | table | a row is | columns |
//! |---|---|---|
//! | `connections` | [`super::ConnectionRow`] | `id`, `name`, `connector`, `scheme`, `settings` (a JSON object of texts), `sealed_key`, `made_ms`, `rules` (a JSON object: after how many days a rule over time is due, null: switched off) |
//! | `labels` | a label of a connection | `connection` (its id), `name`, `value` |
//! | `secrets` | [`super::SecretRow`] | `connection` (its id), `name`, `version`, `sealed`, `made_ms`, `ends_ms` (null: the newest) |
//! | `grants` | [`super::GrantRow`] | `connection` (its id), `epoch`, `state` (`valid`, `renewing`, `uncertain`, `ended`), `sends`, `lease_attempt`, `lease_until_ms`, `sealed_tokens`, `received_ms`, `expires_ms`, `scopes` (a JSON array of texts), `learned` (JSON: what the connector learned, and the account), `retry_ms`, `failures`, `sealed_previous`, `previous_until_ms` |
//! | `sessions` | [`super::SessionRow`] | `state` (SHA-256), `connection_id`, `connection_name`, `connector`, `scheme`, `settings`, `sealed_key`, `connection_made_ms`, `sealed_verifier`, `session`, `return_to`, `made_ms`, `ends_ms` |
//! | `limits` | how far a limit of an account is used ([`connector_contract::limits::slots::Row`]) | `account` (who shares it: a connection's id, `account:...` or `app:...`), `name`, `due_us`, `held_until_us`, `lost`, `lost_at_us`, `seen_us`, `ahead_us`, and what the provider told: `told_interval_us`, `told_burst`, `told_until_us` (times in microseconds) |
//! | `rates` | what a limit let go in a minute ([`connector_state::rates`]) | `account`, `name` (as in `limits`), `minute` (since 1970), `sent`, `waited`, `refused` |
//! | `session_secrets` | a secret of a session | `state`, and the columns of `secrets` |
//! | `hooks` | [`connector_state::inbox::HookRow`] | `connection` (its id), `token`, `made_ms`, `alive_ms`, `gap_ms`, `gap_end_ms`, `refused`, `refused_ms`, `lease_attempt`, `lease_until_ms` |
//! | `subscriptions` | [`connector_state::inbox::SubscriptionRow`] | `connection` (its id), `object`, `events` (a JSON array of texts), `url`, `id`, `expires_at`, `made_ms`, `proven_ms`, `last_ms`, `deliveries` |
//! | `forwards` | [`connector_state::outbox::ForwardRow`]; how far it is stands in `mirror_readers` | `id`, `name`, `connector`, `connection` (its id, or null), `origin`, `filters` (a JSON array of texts), `template`, `is_signed`, `sealed`, `enabled`, `made_ms`, `error`, `error_ms`, `lease_attempt`, `lease_until_ms` |
//! | `forward_undelivered` | a change that its target did not take | `forward` (its id), `mirror` and `change` (connection and number), `object`, `id`, `attempts`, `next_ms` (null: it is parked), `reason` |
//! | `receiver` | the last sign of life of any receiver | `alive_ms` |
//! | `pushes` | a run of many writes ([`connector_state::push::PushRow`]) | `id`, `connection` (its id), `object`, `mode`, `header`, `digest`, `made_ms`, `ended_ms`, and how many of its items are where: `pending`, `sending`, `done`, `parked`, `failed` |
//! | `intents` | an item of a run ([`connector_state::push::IntentRow`]) | `push` (the run's id), `item` (from 0), `line`, `record_key`, `input` (null once it is done; secrets in it are sealed), `sealed_raw`, `state`, `sent`, `outcome`, `id`, `error`, `attempts`, and of a conflict: `conflict_members` (JSON; empty once it is decided), `conflict_theirs`, `conflict_ms` (set while it waits for a decision), `decision` (`ours`, `theirs`) |
//! | `push_claims` | a record that somebody writes just now | `connection` (its id), `object`, `record_key`, `owner`, `push`, `item`, `until_ms` |
//! | `run_leases` | a run that a host works off ([`connector_state::push::runs`]) | `push` (the run's id), `connector`, `policy`, `lease_attempt`, `lease_until_ms` |
//! | `journal` | something that happened to a connection ([`connector_state::journal`]) | `number`, `connection` (its id), `at_ms`, `kind`, `object`, `by`, `data` (a JSON object), `folds` (1: becomes part of the row of its day), `day` (set of such a row: days since 1970) |
//! | `hosts` | [`connector_state::hosts::HostRow`] | `lease_attempt`, `lease_until_ms`, `name`, `version`, `connector`, `began_ms` |
//! | `claims` | a connection that a host works for; free, where there is no such host | `connection` (its id), `host` (its `lease_attempt`) |
//! | `tokens` | [`connector_state::access::TokenRow`] | `name`, `digest`, `scope` (`read`, `write`, `admin`), `connections` (a JSON array of ids; null: all), `made_ms`, `until_ms`, `revoked_ms` |
//! | `writes` | [`connector_state::access::WriteRow`] | `number`, `at_ms`, `caller`, `action`, `connection` (its id), `target`, `outcome` (null: not known), for a day `key` and `request` (digests), and `lease_attempt`, `lease_until_ms` |
//! | `write_answers` | what was answered to a write with a key | `number` (of the write), `connection` (its id), `status`, `sealed` |
//! | `reads` | [`connector_state::access::ReadCount`] | `minute`, `caller`, `reads` |
//! | `links` | [`connector_state::access::LinkRow`] | `digest`, `connection` (its id), `scheme`, `scopes` (a JSON array of texts), `label`, `caller`, `return_to`, `until_ms` |
//! | `revisions` | how many commits have changed connections; `connections.revision` is the last of each | `number` |
//! | `moves` | a connection that leaves this state, has left it, or comes ([`connector_state::moving`]) | `connection` (its id), `stage` (`leaving`, `gone`, `coming`), `at_ms`, `attempt`, `first_body`, `first_delivery`, `rows` (what makes it be there, as JSON, sealed as ever) |
//! | `removed_connections`, `removed_pushes` | what was removed, and whose rows are erased piece by piece: until then they say nothing | `connection` (its id), `push` (the run's id) |
//!
//! What was delivered is read by these views; the tables behind them, whose names begin with `inbox`,
//! may change with any version. `connection` is the connection's id.
//!
//! | view | a row is | columns |
//! |---|---|---|
//! | `deliveries` | [`connector_state::inbox::DeliveryRow`] | `number`, `connection`, `received_ms`, `answered_ms` (from the first byte of its request until the commit that keeps it began), `method`, `url`, `headers` (a JSON array of pairs), `body` |
//! | `events` | [`connector_state::inbox::EventRow`] | `number`, `delivery`, `connection`, `id`, `object`, `name`, `occurred_at`, `effect`, `record`, `updated_at`, `created_at`, `version`, `data`, `state` (`waiting`, `done`, `dead`), `asks`, `attempts`, `next_ms`, `reason`, `applied_ms`, `tries` (the newest failed ones: a JSON array of objects with `at_ms`, `reason`, `wait_ms`) |
//!
//! What is known of the provider's records ([`connector_state::mirror`]) is read by these views; the tables
//! behind them, whose names begin with `mirror_`, may change with any version. In all of them
//! `connection` is the connection's name and `object` the object's; hashes are SHA-256 in
//! hexadecimal digits; `updated_at` and `created_at` are the provider's texts.
//!
//! | view | a row is | columns |
//! |---|---|---|
//! | `records` | the newest known version of a record | `connection`, `object`, `id`, `holder` (id of the record that holds a derived one), `state` (`live`, `aged-out`: lists no longer show it, `deleted`; a derived record has its holder's, and is not here once it is gone), `updated_at`, `created_at`, `data` (the record as JSON text; null when deleted), `hash`, `change` (number of the change that made it so, among those of its connection) |
//! | `changes` | an entry of the log of changes | `connection`, `number` (counts up for each connection), `object`, `id` (empty for a whole object), `kind` (`created`, `updated`, `deleted`, `aged-out`, `drift`, `reset`, `rule`), `ours` (1: our own write), `source` (what brought it: `page`, `look-up`, `delivery`, `write`), `delivery` (number of the delivery that told of it, where one did), `at_ms`, `updated_at`, `prior` (number of the record's change before this one), `members` (a JSON array: top-level members that differ; of a drift, JSON Pointers), `previous` and `hash` (before and after), `rule` (of a rule over time: a JSON object with `rule`, `raised`, `due_ms`) |
//! | `scans` | how far the scans of an object are | `connection`, `object`, `scan` (number of the newest), `kind` (`incremental`, `overlap`, `full`), `running`, `pages`, `records`, `created`, `updated`, `deleted`, `outside`, `restarts`, `tainted`, `began_ms`, `completed_ms`, `overlap_ms`, `full_ms`, `sweep`, `bookmark`, `error`, `failures`, `retry_ms`: see [`connector_state::mirror::ScanRow`] |
//! | `dead_letters` | an item that could not be read | `number`, `connection`, `object`, `id`, `raw` (as it came; empty for a record that was asked for and never answered), `reason`, `at_ms` |
//!
//! Open the file read-only, as the user whose file it is, and keep no transaction open for long:
//! the log beside the file grows until it ends. SQLite's JSON functions read `data` and `members`
//! (numbers lose digits there as in any program with 64-bit numbers; `data` itself has them all):
//!
//! ```text
//! sqlite3 -readonly state.db \
//!     "SELECT data ->> '$.status' AS status, count(*) FROM records
//!      WHERE connection = 'main' AND object = 'orders' AND state = 'live' GROUP BY status"
//! ```
//!
//! Derived records are read from their holders: what is asked of many of them reads those. White space
//! between the tokens of their `data` is not kept.
//!
//! Records and dead letters are not sealed: they are what the provider answered, with the secrets
//! of the connection scrubbed, and the file is its user's alone. What is removed (a connection, an
//! object's `reset`, a dead letter) is overwritten, what is large piece by piece.

use super::access::TABLES as ACCESS;
use super::hosts::TABLES as HOSTS;
use super::inbox::tables::TABLES as INBOX;
use super::journal::TABLES as JOURNAL;
use super::limits::TABLE as LIMITS;
use super::lists::TABLES as LABELS;
use super::mirror::rules::TABLES as RULES;
use super::mirror::tables::{CHANGES, INDEXES, TABLES as MIRROR, VIEWS};
use super::moving::TABLES as MOVES;
use super::outbox::tables::TABLES as OUTBOX;
use super::push::runs::TABLE as RUNS;
use super::push::tables::TABLES as PUSH;
use super::rates::TABLE as RATES;

/// Marks a file as ours (`PRAGMA application_id`): "ConH" in ASCII.
pub const APPLICATION: u32 = 0x436F_6E48;

/// Version of the schema (`PRAGMA user_version`). Those below it were never released: such a file is
/// refused as it is.
pub const VERSION: u32 = 15;

/// All tables and views, for an empty file.
///
/// Words of a column are checked by `OR`: SQLite makes a table of a list after `IN` for each row that is written,
/// which takes longer than the rest of such a row.
pub const TABLES: [&str; 17] = [
    STORE, MIRROR, RULES, INDEXES, VIEWS, CHANGES, LIMITS, PUSH, RUNS, INBOX, OUTBOX, JOURNAL,
    RATES, HOSTS, ACCESS, LABELS, MOVES,
];

const STORE: &str = "
CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    connector TEXT NOT NULL,
    scheme TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed_key BLOB NOT NULL,
    made_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    rules TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE INDEX connections_by_revision ON connections (revision);

-- How many commits have changed connections.
CREATE TABLE revisions (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL) STRICT;
INSERT INTO revisions VALUES (1, 0);

-- Connections that were removed, until everything that was theirs is erased.
CREATE TABLE removed_connections (
    connection TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    made_ms INTEGER NOT NULL,
    ends_ms INTEGER,
    PRIMARY KEY (connection, name, version)
) STRICT;
CREATE INDEX secrets_by_end ON secrets (ends_ms) WHERE ends_ms IS NOT NULL;

CREATE TABLE grants (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL
        CHECK (state = 'valid' OR state = 'renewing' OR state = 'uncertain' OR state = 'ended'),
    sends INTEGER NOT NULL,
    lease_attempt TEXT,
    lease_until_ms INTEGER,
    sealed_tokens BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    scopes TEXT NOT NULL,
    learned TEXT NOT NULL,
    retry_ms INTEGER,
    failures INTEGER NOT NULL,
    sealed_previous BLOB,
    previous_until_ms INTEGER,
    CHECK ((lease_attempt IS NULL) = (lease_until_ms IS NULL)),
    CHECK ((sealed_previous IS NULL) = (previous_until_ms IS NULL))
) STRICT;
CREATE INDEX grants_by_previous ON grants (previous_until_ms) WHERE previous_until_ms IS NOT NULL;

CREATE TABLE sessions (
    state BLOB NOT NULL PRIMARY KEY CHECK (length(state) = 32),
    connection_id TEXT NOT NULL,
    connection_name TEXT NOT NULL,
    connector TEXT NOT NULL,
    scheme TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed_key BLOB NOT NULL,
    connection_made_ms INTEGER NOT NULL,
    sealed_verifier BLOB NOT NULL,
    session TEXT NOT NULL,
    return_to TEXT,
    made_ms INTEGER NOT NULL,
    ends_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_end ON sessions (ends_ms);
CREATE INDEX sessions_by_connection ON sessions (connection_id);

CREATE TABLE session_secrets (
    state BLOB NOT NULL REFERENCES sessions (state) ON DELETE CASCADE,
    connection TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    made_ms INTEGER NOT NULL,
    ends_ms INTEGER,
    PRIMARY KEY (state, name, version)
) STRICT;
";
