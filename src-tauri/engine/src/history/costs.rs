//! What runs in the cloud cost, summed up by the database.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rusqlite::{Connection, named_params};

use super::{History, row};
use crate::cost::{CostOf, rounded};
use crate::error::Result;
use crate::state::CloudFacts;

/// What a row costs in US dollars, up to now if it goes on. A clock that was set back makes nothing cheaper.
const COST: &str = "per_hour * max(coalesce(ended, :now) - since, 0) / 3.6e12";

/// Nanoseconds of a quarter of an hour: every time zone is a multiple of it away from the others.
const QUARTER: i64 = 15 * 60 * 1_000_000_000;

/// What the runs of a month cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MonthCosts {
    /// For each day that has any, in order.
    pub days: Vec<CostOf<Date>>,
    /// For each sandbox by name, the dearest first.
    pub sandboxes: Vec<CostOf<String>>,
}

impl History {
    /// What runs cost that got their sandbox at `since` or later, in US dollars.
    pub fn spent(&self, since: Timestamp, now: Timestamp) -> Result<f64> {
        let sql = format!("SELECT total({COST}) FROM run_costs WHERE since >= :since");
        let connection = self.reading();
        let mut sum = connection.prepare_cached(&sql)?;
        let values = named_params! {":since": row::nanoseconds(since), ":now": row::nanoseconds(now)};
        Ok(rounded(sum.query_row(values, |row| row.get(0))?))
    }

    /// What the runs of the month that begins with `first` cost, by days and sandboxes.
    pub fn costs_of_month(&self, first: Date, zone: &TimeZone, now: Timestamp) -> Result<MonthCosts> {
        let from = first.to_zoned(zone.clone()).map_or(Timestamp::MIN, |begin| begin.timestamp());
        let next = first.checked_add(1.month()).ok().and_then(|next| next.to_zoned(zone.clone()).ok());
        let until = next.map_or(Timestamp::MAX, |end| end.timestamp());
        let sql = format!(
            "SELECT since / {QUARTER}, sandbox, count(*), total({COST}) FROM run_costs
             WHERE since >= :from AND since < :until GROUP BY 1, 2"
        );
        let connection = self.reading();
        let mut sums = connection.prepare_cached(&sql)?;
        let (from, until) = (row::nanoseconds(from), row::nanoseconds(until));
        let values = named_params! {":from": from, ":until": until, ":now": row::nanoseconds(now)};
        let mut rows = sums.query(values)?;
        let (mut days, mut sandboxes) = (BTreeMap::new(), BTreeMap::new());
        while let Some(row) = rows.next()? {
            let (runs, cost) = (row.get(2)?, row.get(3)?);
            add(days.entry(day(row.get(0)?, zone)).or_default(), runs, cost);
            add(sandboxes.entry(row.get::<_, String>(1)?).or_default(), runs, cost);
        }
        let mut sandboxes = listed(sandboxes);
        sandboxes.sort_by(|one, other| other.cost.total_cmp(&one.cost));
        Ok(MonthCosts { days: listed(days), sandboxes })
    }

    /// What the runs in each sandbox cost together, by its name.
    pub fn costs_of_sandboxes(&self, now: Timestamp) -> Result<BTreeMap<String, f64>> {
        let sql = format!("SELECT sandbox, total({COST}) FROM run_costs GROUP BY 1");
        let connection = self.reading();
        let mut sums = connection.prepare_cached(&sql)?;
        let sum = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, rounded(row.get(1)?)));
        Ok(sums.query_map(named_params! {":now": row::nanoseconds(now)}, sum)?.collect::<Result<_, _>>()?)
    }

    /// What the runs of each month cost, in order, by the first days of the months.
    pub fn costs_by_month(&self, zone: &TimeZone, now: Timestamp) -> Result<Vec<CostOf<Date>>> {
        let sql = format!(
            "SELECT since / {QUARTER}, count(*), total({COST}) FROM run_costs GROUP BY 1 ORDER BY since"
        );
        let connection = self.reading();
        let mut sums = connection.prepare_cached(&sql)?;
        let mut rows = sums.query(named_params! {":now": row::nanoseconds(now)})?;
        let mut months = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let month = day(row.get(0)?, zone).first_of_month();
            add(months.entry(month).or_default(), row.get(1)?, row.get(2)?);
        }
        Ok(listed(months))
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

type Sum = (u64, f64);

fn add(sum: &mut Sum, runs: i64, cost: f64) {
    sum.0 += u64::try_from(runs).unwrap_or_default();
    sum.1 += cost;
}

fn listed<T>(sums: BTreeMap<T, Sum>) -> Vec<CostOf<T>> {
    let each = |(of, (runs, cost))| CostOf { of, runs, cost: rounded(cost) };
    sums.into_iter().map(each).collect()
}

/// The day, where people are, of a quarter of an hour since 1970.
fn day(quarter: i64, zone: &TimeZone) -> Date {
    let begin = Timestamp::from_nanosecond(i128::from(quarter) * i128::from(QUARTER)).unwrap_or_default();
    begin.to_zoned(zone.clone()).date()
}
