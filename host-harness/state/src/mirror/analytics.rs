//! What is counted of records for analytics: what became of those that were made in a week, how each carrier
//! and lane performs, and how many entered a status on a day.
//!
//! A record is in one cell of each of the first three counts, by what it is now. Cells move with it like counts
//! by value ([`super::plan::ValueRows`]), so nothing is counted anew and removed records are in none. The
//! last counts what happened ([`entered`]): it never falls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};

use super::version::instant;
use crate::views::{Column, Made, Mark, ObjectView, TableView};

/// Slots of counts that are of no single member: [`Cell`]s by week, by carrier, by lane, and [`ENTERED`].
pub const CELLS: [usize; 4] = [1_000, 1_001, 1_002, ENTERED];
/// The slot of the cells of days: how many records entered which status.
pub const ENTERED: usize = 1_003;

/// Days that are kept of [`ENTERED`], with the newest.
pub const DAYS_KEPT: i64 = 400;

/// Days on the way that are told apart; longer ones count as these.
pub const MOST_DAYS: u64 = 30;

/// Members by which records are analysed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyzedMembers {
    /// How far a record is.
    pub status: String,
    /// Who carries it.
    pub carrier: Option<String>,
    /// Where it comes from.
    pub from: Option<String>,
    /// Where it goes.
    pub to: Option<String>,
    /// The dates between which it is on its way.
    pub days: Option<(String, String)>,
    /// The date that is not after the first of the others, when it is in time.
    pub in_time: Option<(String, Vec<String>)>,
    /// Statuses in which somebody should look.
    pub trouble: Vec<String>,
}

impl AnalyzedMembers {
    /// What a view file says of an object; `None` where it has no status. `tables`: those of its records, of
    /// which the first with such a column says what days and being in time are.
    pub fn of<'t>(view: &ObjectView, tables: impl Iterator<Item = &'t TableView>) -> Option<Self> {
        let status = view.status.as_ref()?;
        let is_trouble = |mark: &Mark| matches!(mark, Mark::Warn | Mark::Bad);
        let trouble = status.marks.iter().filter(|(_, mark)| is_trouble(mark));
        let mut members = Self {
            status: status.at.clone(),
            carrier: view.carrier.clone(),
            from: view.from.clone(),
            to: view.to.clone(),
            trouble: trouble.map(|(value, _)| value.clone()).collect(),
            ..Self::default()
        };
        for column in tables.flat_map(|table| table.columns.values()) {
            match column {
                Column::Made(Made::Days(from, to)) if members.days.is_none() => {
                    members.days = Some((from.clone(), to.clone()));
                }
                Column::Made(Made::NotAfter(date, due)) if members.in_time.is_none() => {
                    members.in_time = Some((date.clone(), due.clone()));
                }
                _ => {}
            }
        }
        Some(members)
    }

    /// The pointers of each value that [`AnalyzedMembers::cells`] takes, in their order.
    #[must_use]
    pub fn pointers(&self) -> [Vec<String>; 8] {
        let one = |pointer: &Option<String>| pointer.iter().cloned().collect();
        let (began, ended) = self.days.clone().unzip();
        let (date, due) = self.in_time.clone().unzip();
        [
            vec![self.status.clone()],
            one(&self.carrier),
            one(&self.from),
            one(&self.to),
            one(&began),
            one(&ended),
            one(&date),
            due.unwrap_or_default(),
        ]
    }

    /// The cells of a record as it is, by the first slots of [`CELLS`]. `made`: when the provider says that it was made.
    #[must_use]
    pub fn cells(&self, made: Option<&str>, values: &[String]) -> Vec<(usize, String)> {
        let value = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let (status, carrier) = (value(0), value(1));
        let days = date(value(4)).zip(date(value(5))).map(|(from, to)| (to - from).whole_days());
        let days = days.and_then(|days| u64::try_from(days).ok()).map(|days| days.min(MOST_DAYS));
        let in_time = date(value(6)).zip(date(value(7))).map(|(date, due)| date <= due);
        let cell = |group: Vec<&str>| Cell {
            group: group.into_iter().map(str::to_owned).collect(),
            status: status.to_owned(),
            in_time,
            days,
        };
        let week = made.and_then(date).map(|day| {
            let monday = day.weekday().number_days_from_monday();
            (day - time::Duration::days(monday.into())).to_string()
        });
        let week =
            Cell { in_time: None, days: None, ..cell(vec![week.as_deref().unwrap_or_default()]) };
        let cells = [week, cell(vec![carrier]), cell(vec![value(2), value(3)])];
        CELLS.into_iter().zip(cells.iter().map(Cell::key)).collect()
    }
}

/// The cell of a record that enters a status, or is met in one: by the UTC day of `updated_at`, when the
/// provider says that it last changed. Where that cannot be read, or is still to come, it is the day of
/// `now_ms` (since 1970), when this is kept. `None`: the day is older than [`DAYS_KEPT`].
#[must_use]
pub fn entered(status: &str, updated_at: Option<&str>, now_ms: u64) -> Option<String> {
    let now_s = i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX);
    let now = OffsetDateTime::from_unix_timestamp(now_s).ok()?;
    let day = instant(updated_at).map_or(now, |at| at.min(now)).to_offset(UtcOffset::UTC).date();
    let is_kept = (now.date() - day).whole_days() < DAYS_KEPT;
    let cell = Cell { group: vec![day.to_string()], status: status.to_owned(), ..Cell::default() };
    is_kept.then(|| cell.key())
}

/// With the key of a cell of this day, keys of [`ENTERED`] before this one are of days that are not kept.
#[must_use]
pub fn kept_from(newest: &str) -> Option<String> {
    let day = date(Cell::read(newest)?.group.first()?)?;
    let first = day.checked_sub(time::Duration::days(DAYS_KEPT - 1))?;
    Some(format!(r#"[["{first}""#))
}

/// The date with which a text begins.
fn date(text: &str) -> Option<time::Date> {
    let mut parts = text.get(..10)?.split('-');
    let mut next = || parts.next()?.parse::<u16>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    time::Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()
}

/// Records that count as one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// The week (its Monday), the carrier, or the places from and to.
    pub group: Vec<String>,
    /// How far they are.
    pub status: String,
    /// Whether they came in time, where that can be told.
    pub in_time: Option<bool>,
    /// Days on the way, where that can be told.
    pub days: Option<u64>,
}

impl Cell {
    fn key(&self) -> String {
        let Self { group, status, in_time, days } = self;
        // Texts and numbers: nothing of it can fail.
        serde_json::to_string(&(group, status, in_time, days)).unwrap_or_default()
    }

    fn read(key: &str) -> Option<Self> {
        let (group, status, in_time, days) = serde_json::from_str(key).ok()?;
        Some(Self { group, status, in_time, days })
    }
}

/// Counts of one kind, as a database has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellCounts {
    /// By the key of each cell.
    pub cells: Vec<(String, u64)>,
    /// Records in cells for which there was no place.
    pub others: u64,
}

/// The analytics of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analytics {
    /// What became of the records of each week, the oldest first; the empty text: nobody knows which week.
    pub weeks: BTreeMap<String, BTreeMap<String, u64>>,
    /// How each carrier performs.
    pub carriers: Vec<Performance>,
    /// How each lane performs.
    pub lanes: Vec<Performance>,
    /// How many records entered which status on each day, the oldest first.
    pub entered: BTreeMap<String, BTreeMap<String, u64>>,
    /// Records that are in none of these, for each of them.
    pub others: [u64; 4],
    /// Not all records are counted yet.
    pub is_partial: bool,
}

/// How the records of a group performed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Performance {
    /// The carrier, or the places from and to.
    pub group: Vec<String>,
    /// All of them.
    pub records: u64,
    /// Those of which it can be told whether they came in time.
    pub base: u64,
    /// Those of them that did.
    pub in_time: u64,
    /// In a status in which somebody should look.
    pub trouble: u64,
    /// How many were so many days on their way; the last: as many or more.
    pub days: Vec<u64>,
}

impl Performance {
    /// The days in which so many of a hundred came, by the nearest rank; `None` where nothing is told.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.days.iter().sum();
        let rank = (all * percent).div_ceil(100).max(1);
        let mut passed = 0;
        let reached = self.days.iter().position(|count| {
            passed += count;
            passed >= rank
        });
        reached.map(|day| day as u64)
    }
}

impl Analytics {
    /// Keeps the newest so many weeks.
    pub fn keep_newest(&mut self, weeks: usize) {
        let skipped = self.weeks.len().saturating_sub(weeks);
        self.weeks = std::mem::take(&mut self.weeks).into_iter().skip(skipped).collect();
    }

    /// Of the counts by week, by carrier, by lane and by day.
    #[must_use]
    pub fn of(members: &AnalyzedMembers, counts: [CellCounts; 4]) -> Self {
        let others = counts.each_ref().map(|counts| counts.others);
        let [weeks, carriers, lanes, entered] = counts;
        let by_status = |counts: CellCounts| {
            let mut groups: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
            for (key, records) in counts.cells {
                let Some(Cell { group, status, .. }) = Cell::read(&key) else { continue };
                let group = group.into_iter().next().unwrap_or_default();
                *groups.entry(group).or_default().entry(status).or_default() += records;
            }
            groups
        };
        let (weeks, entered) = (by_status(weeks), by_status(entered));
        let performance = |counts: CellCounts| {
            let mut groups: BTreeMap<Vec<String>, Performance> = BTreeMap::new();
            for (key, records) in counts.cells {
                let Some(cell) = Cell::read(&key) else { continue };
                let group = groups.entry(cell.group.clone()).or_default();
                group.records += records;
                group.base += cell.in_time.map_or(0, |_| records);
                group.in_time += if cell.in_time == Some(true) { records } else { 0 };
                group.trouble += if members.trouble.contains(&cell.status) { records } else { 0 };
                group.days.resize(usize::try_from(MOST_DAYS).unwrap_or_default() + 1, 0);
                let day = cell.days.and_then(|days| usize::try_from(days).ok());
                if let Some(count) = day.and_then(|day| group.days.get_mut(day)) {
                    *count += records;
                }
            }
            let groups = groups.into_iter().map(|(group, it)| Performance { group, ..it });
            let mut groups: Vec<Performance> = groups.collect();
            groups.sort_by_key(|group| std::cmp::Reverse(group.records));
            groups
        };
        let (carriers, lanes) = (performance(carriers), performance(lanes));
        Self { weeks, carriers, lanes, entered, others, is_partial: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> AnalyzedMembers {
        AnalyzedMembers { trouble: vec!["lost".to_owned()], ..AnalyzedMembers::default() }
    }

    fn cells(made: &str, values: [&str; 8]) -> Vec<(usize, String)> {
        members().cells(Some(made), &values.map(str::to_owned))
    }

    #[test]
    fn a_record_is_in_a_cell_of_each_count() {
        let came = [
            "good",
            "x",
            "DE",
            "FR",
            "2026-11-20T23:00",
            "2026-11-24",
            "2026-11-24",
            "2026-11-24T10:00:00Z",
        ];
        let told = cells("2026-11-29T23:59:00Z", came);
        assert_eq!(told[0], (1_000, r#"[["2026-11-23"],"good",null,null]"#.to_owned()));
        assert_eq!(told[1], (1_001, r#"[["x"],"good",true,4]"#.to_owned()));
        assert_eq!(told[2], (1_002, r#"[["DE","FR"],"good",true,4]"#.to_owned()));
        // What cannot be told is told of none.
        let odd = cells("then", ["", "", "", "", "2026-11-20", "2026-11-19", "2026-1", ""]);
        assert_eq!(odd[0].1, r#"[[""],"",null,null]"#);
        assert_eq!(odd[1].1, r#"[[""],"",null,null]"#);
    }

    #[test]
    fn a_status_is_entered_on_a_day_that_has_been() {
        // 2026-11-28T12:00:00Z
        let entered = |at: &str| entered("good", Some(at), 1_795_867_200_000);
        let day = |day: &str| Some(format!(r#"[["{day}"],"good",null,null]"#));
        assert_eq!(entered("2026-11-20T23:30:00-02:00"), day("2026-11-21"));
        assert_eq!(entered("2027-01-01T00:00:00Z"), day("2026-11-28"));
        assert_eq!(entered("then"), day("2026-11-28"));
        let newest = entered("2026-11-28T00:00:00Z").unwrap();
        assert_eq!(kept_from(&newest).as_deref(), Some(r#"[["2025-10-25""#));
        assert_eq!(entered("2025-10-25T00:00:00Z"), day("2025-10-25"));
        assert_eq!(entered("2025-10-24T23:59:59Z"), None);
    }

    #[test]
    fn cells_make_analytics() {
        let counts = |cells: &[(&str, u64)], others| CellCounts {
            cells: cells.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect(),
            others,
        };
        let carriers = [
            (r#"[["x"],"good",true,2]"#, 8),
            (r#"[["x"],"good",false,9]"#, 2),
            (r#"[["x"],"lost",null,null]"#, 1),
            (r#"[["y"],"open",null,null]"#, 20),
        ];
        let weeks = [(r#"[["w"],"good",null,null]"#, 8), (r#"[["w"],"lost",null,null]"#, 1)];
        let days = [(r#"[["d"],"good",null,null]"#, 5)];
        let all = [counts(&weeks, 0), counts(&carriers, 3), counts(&[], 0), counts(&days, 2)];
        let told = Analytics::of(&members(), all);
        assert_eq!(told.weeks["w"], [("good".to_owned(), 8), ("lost".to_owned(), 1)].into());
        assert_eq!(told.entered["d"], [("good".to_owned(), 5)].into());
        assert_eq!(told.others, [0, 3, 0, 2]);
        let [y, x] = &told.carriers[..] else { panic!("{told:?}") };
        assert_eq!((y.records, y.base, y.percentile(50)), (20, 0, None));
        assert_eq!((x.records, x.base, x.in_time, x.trouble), (11, 10, 8, 1));
        assert_eq!(
            (x.percentile(50), x.percentile(80), x.percentile(90)),
            (Some(2), Some(2), Some(9))
        );
    }
}
