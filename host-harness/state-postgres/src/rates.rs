//! [`Rates`] in the same database, counted by [`super::limits`].

use connector_state::rates::{Counted, RateCounts, RateRow, Rates};
use connector_state::{Answer, retention};
use tokio_postgres::Row;

use super::Postgres;
use super::columns::{Column as _, rows, signed, text};
use super::fault::DbResult;
use super::session::Session;

/// The table.
pub const TABLE: &str = r#"
CREATE TABLE rates (
    account text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    minute bigint NOT NULL,
    sent bigint NOT NULL,
    waited bigint NOT NULL,
    refused bigint NOT NULL,
    PRIMARY KEY (account, name, minute)
);
CREATE INDEX rates_by_minute ON rates (minute);
"#;

impl Rates for Postgres {
    fn rates(&self, accounts: Vec<String>, since_minute: u64) -> Answer<'_, Vec<RateRow>> {
        self.read((accounts, signed(since_minute)), |on, (accounts, since)| {
            Box::pin(async move {
                let sql = "SELECT r.account, r.name, minute, sent, waited, refused
                           FROM unnest($1::text[]) WITH ORDINALITY AS a (account, place)
                               JOIN rates AS r ON r.account = a.account COLLATE \"C\" AND minute >= $2
                           ORDER BY place, r.name, minute";
                let accounts: Vec<_> = accounts.iter().map(|account| text(account)).collect();
                on.rows(sql, &[&accounts, since]).await?.iter().map(rate_of).collect()
            })
        })
    }
}

fn rate_of(row: &Row) -> DbResult<RateRow> {
    let number = |name| u64::read(row, name);
    Ok(RateRow {
        account: String::read(row, "account")?,
        name: String::read(row, "name")?,
        minute: number("minute")?,
        counts: RateCounts {
            sent: number("sent")?,
            waited: number("waited")?,
            refused: number("refused")?,
        },
    })
}

/// Counts requests of limits, whose rows of `limits` are locked.
pub async fn count(on: &Session, counted: &Counted<'_>) -> DbResult<()> {
    if counted.is_empty() {
        return Ok(());
    }
    let accounts: Vec<_> = counted.keys().map(|(limit, _)| text(&limit.scope)).collect();
    let names: Vec<_> = counted.keys().map(|(limit, _)| text(&limit.name)).collect();
    let minutes: Vec<i64> = counted.keys().map(|(_, minute)| signed(*minute)).collect();
    let of = |count: fn(&RateCounts) -> u64| counted.values().map(count).map(signed).collect();
    let (sent, waited, refused): (Vec<i64>, Vec<i64>, Vec<i64>) =
        (of(|counts| counts.sent), of(|counts| counts.waited), of(|counts| counts.refused));
    let sql = "INSERT INTO rates AS r (account, name, minute, sent, waited, refused)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],
                   $6::bigint[])
               ON CONFLICT (account, name, minute) DO UPDATE SET sent = r.sent + excluded.sent,
                   waited = r.waited + excluded.waited, refused = r.refused + excluded.refused";
    on.run(sql, &[&accounts, &names, &minutes, &sent, &waited, &refused]).await.map(drop)
}

/// Forgets at most so many rows that are old; answers how many there were.
pub async fn forget(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "DELETE FROM rates WHERE ctid = ANY(ARRAY(
                   SELECT ctid FROM rates WHERE minute < $1 ORDER BY minute LIMIT $2))";
    let since = signed(now_ms.saturating_sub(retention::RATES_MS) / 60_000);
    on.count(sql, &[&since, &rows(limit)]).await
}
