//! Whether the provider's word that it does not know a record can be believed.

use super::version::instant;
use super::{Mirror, MirroredRecord, RecordState};
use crate::StoreError;

/// It proves nothing of a record that was made so short a time ago: providers may need a while
/// until they show one.
const YOUNG_MS: u64 = 24 * 60 * 60 * 1_000;

/// Whether it can be: the record was made before `before_ms`, and more than a day before `now_ms`.
/// Of one that does not tell when it was made, the time counts since when it is as it is.
///
/// # Errors
/// When the log cannot be read.
pub async fn may_be_gone(
    mirror: &dyn Mirror,
    record: &MirroredRecord,
    before_ms: u64,
    now_ms: u64,
) -> Result<bool, StoreError> {
    if record.state == RecordState::Deleted {
        return Ok(true);
    }
    let made = match made_ms(record) {
        Some(made) => Some(made),
        None => noticed_ms(mirror, record).await?,
    };
    let before_ms = before_ms.min(now_ms.saturating_sub(YOUNG_MS));
    Ok(made.is_none_or(|made| made < before_ms))
}

/// When a record was made, in milliseconds since 1970.
#[must_use]
pub fn made_ms(record: &MirroredRecord) -> Option<u64> {
    let made = instant(record.created_at.as_deref())?;
    Some(u64::try_from(made.unix_timestamp_nanos() / 1_000_000).unwrap_or(0))
}

/// When the newest change of a record was noticed; `None` when that is no longer known.
async fn noticed_ms(
    mirror: &dyn Mirror,
    record: &MirroredRecord,
) -> Result<Option<u64>, StoreError> {
    let since = record.change.saturating_sub(1);
    match mirror.changes(&record.connection, since, 1).await {
        Ok(changes) => {
            let change = changes.first().filter(|change| change.number == record.change);
            Ok(change.map(|change| change.at_ms))
        }
        Err(StoreError::Forgotten { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
