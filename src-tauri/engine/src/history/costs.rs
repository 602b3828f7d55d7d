//! What runs in the cloud cost, summed up by the database; also those that were removed, for what was spent is spent.
//!
//! Of removed runs there are sums by quarter of an hour and sandbox. A sandbox that a single run had for itself keeps its
//! name there for two months; then it is put together with others, so that the sums do not grow with each such run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rusqlite::{Connection, OpenFlags, named_params};

use super::{History, row};
use crate::cost::{CostOf, rounded};
use crate::error::Result;
use crate::spec::RunId;
use crate::state::CloudFacts;

/// What a row costs in US dollars, up to now if it goes on. A clock that was set back makes nothing cheaper.
const COST: &str = "per_hour * max(coalesce(run_costs.ended, :now) - since, 0) / 3.6e12";

/// Nanoseconds of a quarter of an hour: every time zone is a multiple of it away from the others.
const QUARTER: i64 = 15 * 60 * 1_000_000_000;

/// How long a sandbox of a single run that was removed keeps its name: this month and the one before, wherever one is.
const NAMED: Duration = Duration::from_hours(24 * 63);

/// What stands for the names of those that are together.
const SINGLE: &str = "sandboxes of single runs";

/// What the runs of a month cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MonthCosts {
    /// For each day that has any, in order.
    pub days: Vec<CostOf<Date>>,
    /// For each sandbox by name, the dearest first.
    pub sandboxes: Vec<CostOf<String>>,
}

impl History {
    /// What runs cost that got their sandbox at `since` or later, in US dollars; of removed ones, in its quarter of an hour
    /// or later.
    pub fn spent(&self, since: Timestamp, now: Timestamp) -> Result<f64> {
        let all = self.sums("quarter", row::nanoseconds(since)..i64::MAX, now)?;
        Ok(rounded(all.iter().map(|sum| sum.cost).sum()))
    }

    /// What the runs of the month that begins with `first` cost, by days and sandboxes.
    pub fn costs_of_month(&self, first: Date, zone: &TimeZone, now: Timestamp) -> Result<MonthCosts> {
        let from = first.to_zoned(zone.clone()).map_or(Timestamp::MIN, |begin| begin.timestamp());
        let next = first.checked_add(1.month()).ok().and_then(|next| next.to_zoned(zone.clone()).ok());
        let until = next.map_or(Timestamp::MAX, |end| end.timestamp());
        let (mut days, mut sandboxes) = (BTreeMap::new(), BTreeMap::new());
        for sum in self.sums("quarter, sandbox", row::nanoseconds(from)..row::nanoseconds(until), now)? {
            add(days.entry(day(sum.quarter, zone)).or_default(), &sum);
            add(sandboxes.entry(sum.name()).or_default(), &sum);
        }
        let mut sandboxes = listed(sandboxes);
        sandboxes.sort_by(|one, other| other.cost.total_cmp(&one.cost));
        Ok(MonthCosts { days: listed(days), sandboxes })
    }

    /// What the runs in each sandbox cost together, by its name.
    pub fn costs_of_sandboxes(&self, now: Timestamp) -> Result<BTreeMap<String, f64>> {
        let all = self.sums("sandbox", i64::MIN..i64::MAX, now)?;
        Ok(all.into_iter().map(|sum| (sum.name(), rounded(sum.cost))).collect())
    }

    /// What the runs of each month cost, in order, by the first days of the months.
    pub fn costs_by_month(&self, zone: &TimeZone, now: Timestamp) -> Result<Vec<CostOf<Date>>> {
        let mut months = BTreeMap::new();
        for sum in self.sums("quarter", i64::MIN..i64::MAX, now)? {
            add(months.entry(day(sum.quarter, zone).first_of_month()).or_default(), &sum);
        }
        Ok(listed(months))
    }

    /// What runs cost that got their sandbox in a time, by some columns, whether the history still has them or not.
    fn sums(&self, by: &str, time: Range<i64>, now: Timestamp) -> Result<Vec<Sum>> {
        let sql = format!(
            "SELECT quarter, sandbox, sum(runs), total(cost) FROM (
                 SELECT since / {QUARTER} AS quarter, sandbox, 1 AS runs, {COST} AS cost FROM run_costs
                 WHERE since >= :from AND since < :until
                 UNION ALL SELECT quarter, sandbox, runs, cost FROM removed_costs
                 WHERE quarter >= :from / {QUARTER} AND quarter < :until / {QUARTER})
             GROUP BY {by} HAVING sum(runs) > 0"
        );
        let connection = self.reading();
        let mut sums = connection.prepare_cached(&sql)?;
        let values = named_params! {":from": time.start, ":until": time.end, ":now": row::nanoseconds(now)};
        let sum = |row: &rusqlite::Row<'_>| {
            let runs = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
            Ok(Sum { quarter: row.get(0)?, sandbox: row.get(1)?, runs, cost: row.get(3)? })
        };
        Ok(sums.query_map(values, sum)?.collect::<Result<_, _>>()?)
    }
}

/// What some runs cost together. What they were not grouped by is that of any of them.
struct Sum {
    quarter: i64,
    sandbox: String,
    runs: u64,
    cost: f64,
}

impl Sum {
    fn name(&self) -> String {
        if self.sandbox.is_empty() { SINGLE.to_owned() } else { self.sandbox.clone() }
    }
}

/// Notes what a run costs, once it has a sandbox. The caller opened a transaction.
pub(super) fn note(to: &Connection, seq: i64, cloud: Option<&CloudFacts>) -> Result<()> {
    let Some((cloud, (per_hour, since))) = cloud.and_then(|cloud| Some((cloud, cloud.meter()?))) else {
        return Ok(());
    };
    let sql =
        "INSERT INTO run_costs (seq, since, per_hour, sandbox) VALUES (:seq, :since, :per_hour, :sandbox)
               ON CONFLICT (seq) DO UPDATE SET since = :since, per_hour = :per_hour, sandbox = :sandbox";
    to.prepare_cached(sql)?.execute(named_params! {
        ":seq": seq,
        ":since": row::nanoseconds(since),
        ":per_hour": per_hour,
        ":sandbox": cloud.name,
    })?;
    Ok(())
}

/// Notes the end of what a run costs. Of one that is lost nobody knows the end, so it counts nothing.
pub(super) fn end(to: &Connection, seq: i64, at: Timestamp, is_lost: bool) -> Result<()> {
    let sql = if is_lost {
        "DELETE FROM run_costs WHERE seq = :seq AND :at IS NOT NULL"
    } else {
        "UPDATE run_costs SET ended = :at WHERE seq = :seq"
    };
    to.prepare_cached(sql)?.execute(named_params! {":seq": seq, ":at": row::nanoseconds(at)})?;
    Ok(())
}

/// Keeps what runs cost that are about to be removed. Of one that goes on nobody will know the end, so it counts nothing, as
/// one that is lost. The caller opened a transaction.
pub(super) fn keep(to: &Connection, ids: &[RunId], now: Timestamp) -> Result<()> {
    let sql = format!(
        "INSERT INTO removed_costs (quarter, sandbox, single, runs, cost)
         SELECT since / {QUARTER}, sandbox, instr(sandbox, id) > 0, 1, {COST}
         FROM runs JOIN run_costs USING (seq) WHERE id = :id AND run_costs.ended IS NOT NULL
         {TOGETHER}"
    );
    let mut keep = to.prepare_cached(&sql)?;
    for id in ids {
        keep.execute(named_params! {":id": id.to_string(), ":now": row::nanoseconds(now)})?;
    }
    put_together(to, row::before(now, NAMED) / QUARTER)
}

/// Adds to the sum that is there.
const TOGETHER: &str =
    "ON CONFLICT (quarter, sandbox) DO UPDATE SET runs = runs + excluded.runs, cost = cost + excluded.cost";

/// Takes the names from sandboxes of single runs before a quarter of an hour.
fn put_together(to: &Connection, before: i64) -> Result<()> {
    const OLD: &str = "quarter < :before AND single AND sandbox <> ''";
    let sum = format!(
        "INSERT INTO removed_costs (quarter, sandbox, single, runs, cost)
         SELECT quarter, '', TRUE, sum(runs), total(cost) FROM removed_costs WHERE {OLD} GROUP BY quarter
         {TOGETHER}"
    );
    to.prepare_cached(&sum)?.execute(named_params! {":before": before})?;
    let forget = format!("DELETE FROM removed_costs WHERE {OLD}");
    to.prepare_cached(&forget)?.execute(named_params! {":before": before})?;
    Ok(())
}

/// Takes over what a database that was set aside kept of removed runs, if it can be read: no folder has that.
pub(super) fn take_over(to: &Connection, aside: &Path) -> rusqlite::Result<()> {
    let from = Connection::open_with_flags(aside, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut kept = from.prepare("SELECT quarter, sandbox, single, runs, cost FROM removed_costs")?;
    let read =
        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
    let all: Vec<(i64, String, bool, i64, f64)> = kept.query_map([], read)?.collect::<Result<_, _>>()?;
    let transaction = to.unchecked_transaction()?;
    for one in all {
        transaction.prepare_cached("INSERT INTO removed_costs VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(one)?;
    }
    transaction.commit()
}

type Counted = (u64, f64);

fn add(to: &mut Counted, sum: &Sum) {
    to.0 += sum.runs;
    to.1 += sum.cost;
}

fn listed<T>(sums: BTreeMap<T, Counted>) -> Vec<CostOf<T>> {
    let each = |(of, (runs, cost))| CostOf { of, runs, cost: rounded(cost) };
    sums.into_iter().map(each).collect()
}

/// The day, where people are, of a quarter of an hour since 1970.
fn day(quarter: i64, zone: &TimeZone) -> Date {
    let begin = Timestamp::from_nanosecond(i128::from(quarter) * i128::from(QUARTER)).unwrap_or_default();
    begin.to_zoned(zone.clone()).date()
}
