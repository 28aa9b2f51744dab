//! What is counted of records for analytics: what became of those that were made in a week, how each carrier
//! and lane performs, why records are in trouble, and how many entered a status on a day.
//!
//! A record is in one cell of each of the first three counts, by what it is now, and in one by its reason while
//! it is in trouble. Cells move with it like counts by value ([`super::plan::ValueRows`]), so nothing is counted
//! anew and removed records are in none. [`ENTERED`] counts what happened ([`entered`]): it never falls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};

use super::version::instant;
use crate::views::{Column, Made, Mark, ObjectView, TableView};

/// Slots of counts that are of no single member: [`Cell`]s by week, by carrier, by lane, [`ENTERED`] and
/// [`REASONS`].
pub const CELLS: [usize; 5] = [WEEKS, CARRIERS, LANES, ENTERED, REASONS];
const WEEKS: usize = 1_000;
const CARRIERS: usize = 1_001;
const LANES: usize = 1_002;
/// The slot of the cells of days: how many records entered which status.
pub const ENTERED: usize = 1_003;
/// The slot of the cells of records in trouble, by reason and carrier.
pub const REASONS: usize = 1_004;

/// Days that are kept of [`ENTERED`], with the newest.
pub const DAYS_KEPT: i64 = 400;

/// Records that a share is told of at least.
pub const LEAST_BASE: u64 = 20;

/// Days on the way that are told apart; longer ones count as these.
pub const MOST_DAYS: u64 = 30;

/// Bytes of a reason that is told apart. What is longer, or no code, is prose, which may name a person.
const REASON_BYTES: usize = 64;
/// In place of a reason that is no code.
const OTHER_REASON: &str = "other";

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
    /// Why a record is in trouble, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What such codes mean, in words.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub words: BTreeMap<String, String>,
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
        if let Some(reason) = &view.reason {
            members.reason = Some(reason.at.clone());
            members.words.extend(reason.words.clone());
        }
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
    pub fn pointers(&self) -> [Vec<String>; 9] {
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
            one(&self.reason),
        ]
    }

    /// The cells of a record as it is, each with its slot of [`CELLS`]. `made`: when the provider says that it was
    /// made.
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
        let mut cells = vec![
            (WEEKS, week.key()),
            (CARRIERS, cell(vec![carrier]).key()),
            (LANES, cell(vec![value(2), value(3)]).key()),
        ];
        if self.reason.is_some() && self.trouble.iter().any(|it| it == status) {
            let group = vec![reason(value(8)).to_owned(), carrier.to_owned()];
            let cell = Cell { group, status: status.to_owned(), ..Cell::default() };
            cells.push((REASONS, cell.key()));
        }
        cells
    }
}

impl AnalyzedMembers {
    fn reasons(&self, counts: CellCounts) -> Vec<Reason> {
        let mut reasons: BTreeMap<String, Reason> = BTreeMap::new();
        for (key, records) in counts.cells {
            let group = Cell::read(&key).and_then(|cell| <[String; 2]>::try_from(cell.group).ok());
            let Some([code, carrier]) = group else { continue };
            let words = self.words.get(&code).cloned();
            let new = || Reason { code: code.clone(), words, ..Reason::default() };
            let reason = reasons.entry(code.clone()).or_insert_with(new);
            reason.records += records;
            *reason.carriers.entry(carrier).or_default() += records;
        }
        let mut reasons: Vec<Reason> = reasons.into_values().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.records));
        reasons
    }
}

/// A reason as it is told apart.
fn reason(code: &str) -> &str {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match code.len() <= REASON_BYTES && code.chars().all(is_sign) {
        true => code,
        false => OTHER_REASON,
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
    /// The week (its Monday), the carrier, the places from and to, or the reason and the carrier.
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
    /// How many records have which status.
    pub statuses: BTreeMap<String, u64>,
    /// How all of them perform.
    pub all: Performance,
    /// Why records are in trouble, those with the most records first.
    pub reasons: Vec<Reason>,
    /// Records that are in none of weeks, carriers, lanes, days and reasons.
    pub others: [u64; 5],
    /// Not all records are counted yet.
    pub is_partial: bool,
}

/// Records that are in trouble for the same reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// The code; the empty text: none is given.
    pub code: String,
    /// What it means, where the connector says so.
    pub words: Option<String>,
    /// So many records.
    pub records: u64,
    /// Those of each carrier.
    pub carriers: BTreeMap<String, u64>,
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

    /// Between which shares (0 to 1) the share that comes in time lies with 95 % certainty, by Wilson's interval;
    /// `None`: fewer than [`LEAST_BASE`] records tell.
    #[must_use]
    pub fn share_range(&self) -> Option<(f64, f64)> {
        const Z: f64 = 1.959_964;
        if self.base < LEAST_BASE {
            return None;
        }
        let (n, share) = (self.base as f64, self.in_time as f64 / self.base as f64);
        let middle = share + Z * Z / (2.0 * n);
        let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some((((middle - reach) / scale).max(0.0), ((middle + reach) / scale).min(1.0)))
    }

    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.base += other.base;
        self.in_time += other.in_time;
        self.trouble += other.trouble;
        self.days.resize(self.days.len().max(other.days.len()), 0);
        self.days.iter_mut().zip(&other.days).for_each(|(sum, days)| *sum += days);
    }
}

/// Of these groups the one with the greatest share in time and the one with the least, where that is a difference
/// and no chance: their ranges do not overlap.
#[must_use]
pub fn difference(groups: &[Performance]) -> Option<(&Performance, &Performance)> {
    let ranged = || groups.iter().filter_map(|group| Some((group, group.share_range()?)));
    let (best, (low, _)) = ranged().max_by(|(_, one), (_, other)| one.0.total_cmp(&other.0))?;
    let (worst, (_, high)) = ranged().min_by(|(_, one), (_, other)| one.1.total_cmp(&other.1))?;
    (low > high).then_some((best, worst))
}

impl Analytics {
    /// Keeps the newest so many weeks.
    pub fn keep_newest(&mut self, weeks: usize) {
        let skipped = self.weeks.len().saturating_sub(weeks);
        self.weeks = std::mem::take(&mut self.weeks).into_iter().skip(skipped).collect();
    }

    /// Of the counts of [`CELLS`], in their order.
    #[must_use]
    pub fn of(members: &AnalyzedMembers, counts: [CellCounts; 5]) -> Self {
        let others = counts.each_ref().map(|counts| counts.others);
        let [weeks, carriers, lanes, entered, reasons] = counts;
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
        let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
        for (status, records) in weeks.values().flatten() {
            *statuses.entry(status.clone()).or_default() += records;
        }
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
        let mut all = Performance::default();
        carriers.iter().for_each(|group| all.add(group));
        let reasons = members.reasons(reasons);
        Self { weeks, carriers, lanes, entered, statuses, all, reasons, others, is_partial: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> AnalyzedMembers {
        AnalyzedMembers {
            trouble: vec!["lost".to_owned()],
            reason: Some("/why".to_owned()),
            words: [("gone".to_owned(), "Nobody knows where".to_owned())].into(),
            ..AnalyzedMembers::default()
        }
    }

    fn cells(made: &str, values: [&str; 9]) -> Vec<(usize, String)> {
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
            "gone",
        ];
        let told = cells("2026-11-29T23:59:00Z", came);
        assert_eq!(told[0], (1_000, r#"[["2026-11-23"],"good",null,null]"#.to_owned()));
        assert_eq!(told[1], (1_001, r#"[["x"],"good",true,4]"#.to_owned()));
        assert_eq!(told[2], (1_002, r#"[["DE","FR"],"good",true,4]"#.to_owned()));
        // What cannot be told is told of none.
        assert_eq!(told.len(), 3, "it is not in trouble: {told:?}");
        let odd = cells("then", ["", "", "", "", "2026-11-20", "2026-11-19", "2026-1", "", ""]);
        assert_eq!(odd[0].1, r#"[[""],"",null,null]"#);
        assert_eq!(odd[1].1, r#"[[""],"",null,null]"#);
    }

    #[test]
    fn a_record_in_trouble_is_in_a_cell_of_its_reason_unless_that_is_prose() {
        let cell = |why: &str| {
            let found = cells("", ["lost", "x", "", "", "", "", "", "", why]);
            found.into_iter().find(|(slot, _)| *slot == REASONS).unwrap().1
        };
        assert_eq!(cell("gone"), r#"[["gone","x"],"lost",null,null]"#);
        assert_eq!(cell(""), r#"[["","x"],"lost",null,null]"#);
        for prose in ["Jane Doe is away", "Exception\u{202e}", &"a".repeat(65)] {
            assert_eq!(cell(prose), r#"[["other","x"],"lost",null,null]"#);
        }
    }

    #[test]
    fn a_difference_is_one_when_ranges_do_not_overlap() {
        let group = |name: &str, in_time, base| Performance {
            group: vec![name.to_owned()],
            in_time,
            base,
            ..Performance::default()
        };
        let range = |in_time, base| {
            let found = group("", in_time, base).share_range();
            found.map(|(low, high)| ((low * 1e4).round() as u64, (high * 1e4).round() as u64))
        };
        // As R's binom::binom.wilson has it.
        assert_eq!(range(18, 20), Some((6_990, 9_721)));
        assert_eq!(range(0, 20), Some((0, 1_611)));
        assert_eq!(range(20, 20), Some((8_389, 10_000)));
        assert_eq!(range(19, 19), None);
        let name = |groups: &[Performance]| {
            let (best, worst) = difference(groups)?;
            Some((best.group[0].clone(), worst.group[0].clone()))
        };
        let (good, poor) = (group("good", 95, 100), group("poor", 60, 100));
        let (few, near) = (group("few", 0, 19), group("near", 90, 100));
        let told = Some(("good".to_owned(), "poor".to_owned()));
        assert_eq!(name(&[near.clone(), poor, good.clone(), few.clone()]), told);
        assert_eq!(name(&[near, good.clone(), few]), None);
        assert_eq!(name(&[good]), None);
        assert_eq!(name(&[]), None);
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
        let reasons = [
            (r#"[["gone","x"],"lost",null,null]"#, 1),
            (r#"[["gone","y"],"lost",null,null]"#, 2),
            (r#"[["","y"],"lost",null,null]"#, 7),
        ];
        let all = [
            counts(&weeks, 0),
            counts(&carriers, 3),
            counts(&[], 0),
            counts(&days, 2),
            counts(&reasons, 4),
        ];
        let told = Analytics::of(&members(), all);
        assert_eq!(told.statuses, [("good".to_owned(), 8), ("lost".to_owned(), 1)].into());
        let [none, gone] = &told.reasons[..] else { panic!("{told:?}") };
        assert_eq!((none.records, none.words.as_deref()), (7, None));
        assert_eq!((gone.records, gone.words.as_deref()), (3, Some("Nobody knows where")));
        assert_eq!(gone.carriers, [("x".to_owned(), 1), ("y".to_owned(), 2)].into());
        let all = &told.all;
        assert_eq!((all.records, all.base, all.in_time, all.trouble), (31, 10, 8, 1));
        assert_eq!(all.percentile(90), Some(9));
        assert_eq!(told.weeks["w"], [("good".to_owned(), 8), ("lost".to_owned(), 1)].into());
        assert_eq!(told.entered["d"], [("good".to_owned(), 5)].into());
        assert_eq!(told.others, [0, 3, 0, 2, 4]);
        let [y, x] = &told.carriers[..] else { panic!("{told:?}") };
        assert_eq!((y.records, y.base, y.percentile(50)), (20, 0, None));
        assert_eq!((x.records, x.base, x.in_time, x.trouble), (11, 10, 8, 1));
        assert_eq!(
            (x.percentile(50), x.percentile(80), x.percentile(90)),
            (Some(2), Some(2), Some(9))
        );
    }
}
