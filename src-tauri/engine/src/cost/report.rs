//! Sums over the history, and the limit that a month has.

use jiff::civil::Date;
use serde::Serialize;

use super::{Rates, rounded, shown};
use crate::config::Config;
use crate::error::Error;

/// Part of a limit from which on a run is told how much of it is spent.
const NEAR: f64 = 0.8;

/// What the runs of something cost together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostOf<T> {
    /// What they have in common.
    pub of: T,
    /// How many.
    pub runs: u64,
    /// What they cost, estimated, in US dollars.
    pub cost: f64,
}

/// What the runs in the cloud cost, whether the history still has them or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostReport {
    /// The first day of the month that the sums below are of.
    pub month: Date,
    /// How many runs got a sandbox in it.
    pub runs: u64,
    /// What they cost, estimated, in US dollars. Runs that go on count so far.
    pub cost: f64,
    /// The same for each day that has any, in order.
    pub days: Vec<CostOf<Date>>,
    /// The same for each sandbox by name, the dearest first. Sandboxes that a single run had for itself are one, `sandboxes of
    /// single runs`, two months after the run when it was removed.
    pub sandboxes: Vec<CostOf<String>>,
    /// All months that have any, by their first days, in order.
    pub months: Vec<CostOf<Date>>,
    /// How much a month may cost before that is asked about.
    pub limit: Option<f64>,
    /// The rates of now. A run keeps the rate that it was started with.
    pub rates: Rates,
}

/// Where a month stands against its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// There is none, or it is far.
    Far,
    /// Most of it is spent.
    Near,
    /// All of it is.
    Over,
}

/// What a month may cost, and did so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonthLimit {
    /// The limit, in US dollars.
    pub limit: f64,
    /// What is spent, in US dollars.
    pub spent: f64,
}

impl MonthLimit {
    /// The limit of the settings, if there is one.
    pub fn setting(config: &Config) -> Option<f64> {
        config.number("daytona.monthly_limit")
    }

    /// Where it stands.
    pub fn stands(&self) -> Limit {
        match self.spent {
            spent if spent >= self.limit => Limit::Over,
            spent if spent >= self.limit * NEAR => Limit::Near,
            _ => Limit::Far,
        }
    }

    /// What a run is told about it: nothing while it is far.
    pub(crate) fn warning(&self) -> Option<String> {
        let (spent, limit) = (shown(self.spent), shown(self.limit));
        match self.stands() {
            Limit::Far => None,
            Limit::Near => Some(format!("runs in the cloud cost about {spent} of {limit} so far this month")),
            Limit::Over => {
                Some(format!("runs in the cloud cost about {spent} this month, over the limit of {limit}"))
            }
        }
    }
}

impl From<MonthLimit> for Error {
    fn from(MonthLimit { spent, limit }: MonthLimit) -> Self {
        Self::OverLimit { spent: shown(rounded(spent)), limit: shown(limit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_warns_from_four_fifths_on_and_is_over_where_it_is_reached() {
        let stands = |spent| MonthLimit { limit: 10.0, spent }.stands();
        assert_eq!([stands(0.0), stands(7.99), stands(8.0)], [Limit::Far, Limit::Far, Limit::Near]);
        assert_eq!([stands(9.99), stands(10.0), stands(11.0)], [Limit::Near, Limit::Over, Limit::Over]);
        assert_eq!(MonthLimit { limit: 10.0, spent: 1.0 }.warning(), None);
        let told = MonthLimit { limit: 10.0, spent: 8.2 }.warning().unwrap();
        assert_eq!(told, "runs in the cloud cost about $8.20 of $10.00 so far this month");
    }
}
