//! What cloud sandboxes cost: rates, and the arithmetic with them. Everything here is an estimate, in US dollars.
//!
//! Daytona bills what a sandbox has reserved, not what it uses: CPUs, memory and disk while it runs, the disk alone while
//! it is stopped, nothing once it is archived. It does not tell what it bills to whoever has but a key, so the rates are
//! settings, and every sum made with them is marked as an estimate wherever it is shown.

mod report;
mod run;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::Config;

pub use self::report::{CostOf, CostReport, Limit, MonthLimit};

/// Seconds of an hour.
pub(crate) const HOUR: f64 = 3600.0;

/// What Daytona takes for a second, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Of one virtual CPU.
    pub cpu: f64,
    /// Of a GiB of memory.
    pub memory: f64,
    /// Of a GiB of disk.
    pub disk: f64,
    /// GiB of a sandbox's disk that cost nothing.
    pub free_disk: u32,
}

/// What a sandbox has of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Virtual CPUs.
    pub cpu: u32,
    /// Memory in GiB.
    pub memory: u32,
    /// Disk in GiB.
    pub disk: u32,
}

impl Default for Rates {
    /// Daytona's public prices of May 2026.
    fn default() -> Self {
        Self { cpu: 0.000_014, memory: 0.000_004_5, disk: 0.000_000_03, free_disk: 5 }
    }
}

impl Rates {
    /// Those of the settings.
    pub fn of(config: &Config) -> Self {
        let usual = Self::default();
        let rate = |name, usual| config.number(name).unwrap_or(usual);
        let free = config.integer("daytona.rates.free_disk").and_then(|free| u32::try_from(free).ok());
        Self {
            cpu: rate("daytona.rates.cpu", usual.cpu),
            memory: rate("daytona.rates.memory", usual.memory),
            disk: rate("daytona.rates.disk", usual.disk),
            free_disk: free.unwrap_or(usual.free_disk),
        }
    }

    /// What a sandbox costs in an hour in which it runs.
    pub fn running(&self, shape: Shape) -> f64 {
        let Shape { cpu, memory, .. } = shape;
        (self.cpu * f64::from(cpu) + self.memory * f64::from(memory)) * HOUR + self.stopped(shape)
    }

    /// What it costs in an hour in which it is stopped: its disk stays reserved.
    pub fn stopped(&self, shape: Shape) -> f64 {
        self.disk * f64::from(shape.disk.saturating_sub(self.free_disk)) * HOUR
    }
}

/// What a time costs at so much an hour.
pub fn of_time(per_hour: f64, time: Duration) -> f64 {
    rounded(per_hour * time.as_secs_f64() / HOUR)
}

/// The time between two moments; none where they are the other way round, as after a clock was set.
pub(crate) fn between(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or_default()
}

/// To a billionth of a dollar: what lies behind is noise of the arithmetic.
pub(crate) fn rounded(dollars: f64) -> f64 {
    (dollars * 1e9).round() / 1e9
}

/// An amount as people read it: cents, and of less than ten cents as many places as say something.
pub fn shown(dollars: f64) -> String {
    match dollars {
        0.0 => "$0".to_owned(),
        small if small < 0.0001 => "< $0.0001".to_owned(),
        small if small < 0.1 => {
            let digits = format!("${small:.4}");
            // Whole cents need no more than two places.
            digits.strip_suffix("00").unwrap_or(&digits).to_owned()
        }
        dollars => format!("${dollars:.2}"),
    }
}

/// An estimate in a sentence.
pub fn about(dollars: f64) -> String {
    match shown(dollars).strip_prefix("< ") {
        Some(least) => format!("less than {least}"),
        None => format!("about {}", shown(dollars)),
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "amounts are rounded")]
mod tests {
    use super::*;

    const SMALL: Shape = Shape { cpu: 1, memory: 1, disk: 3 };
    const LARGE: Shape = Shape { cpu: 4, memory: 8, disk: 10 };

    #[test]
    fn an_hour_is_the_price_list_times_the_shape() {
        let rates = Rates::default();
        assert_eq!(rounded(rates.running(SMALL)), 0.0666, "0.0504 for the CPU, 0.0162 for the memory");
        assert_eq!(rounded(rates.running(LARGE)), 0.33174, "0.2016, 0.1296, and 5 of 10 GiB of disk");
    }

    #[test]
    fn only_disk_beyond_what_is_free_costs_anything_and_nothing_else_of_one_that_is_stopped() {
        let rates = Rates::default();
        let disk = |disk| rounded(rates.stopped(Shape { disk, ..LARGE }));
        assert_eq!([disk(0), disk(3), disk(5), disk(6), disk(10)], [0.0, 0.0, 0.0, 0.000_108, 0.000_54]);
        let none_free = Rates { free_disk: 0, ..rates };
        assert_eq!(rounded(none_free.stopped(SMALL)), 0.000_324);
    }

    #[test]
    fn a_time_costs_its_part_of_an_hour() {
        assert_eq!(of_time(0.0666, Duration::from_hours(1)), 0.0666);
        assert_eq!(of_time(0.0666, Duration::from_millis(10_800)), 0.000_199_8);
        assert_eq!(of_time(0.0666, Duration::ZERO), 0.0);
        let second = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(between(second(9), second(4)), Duration::ZERO, "a clock was set back");
    }

    #[test]
    fn amounts_have_as_many_places_as_say_something() {
        let all = [0.0, 0.000_01, 0.000_199_8, 0.0666, 0.01, 0.5, 12.3456].map(shown);
        assert_eq!(all, ["$0", "< $0.0001", "$0.0002", "$0.0666", "$0.01", "$0.50", "$12.35"]);
        assert_eq!([about(0.000_01), about(0.0666)], ["less than $0.0001", "about $0.0666"]);
    }
}
