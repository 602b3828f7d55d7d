//! Times and sizes as people write them: `90`, `15m`, `1 GiB`.

use std::time::Duration;

/// What a bare number of a time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Minutes.
    Minutes,
}

impl Unit {
    /// Its plural, for sentences.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
        }
    }

    const fn seconds(self) -> u64 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
        }
    }
}

/// Longest time that is understood: a hundred years, which every clock can add.
const LONGEST: u64 = 100 * 365 * 86_400;

/// Sizes by their suffix. One letter is the binary size, as in Docker.
const SIZES: [(&str, u64); 14] = [
    ("", 1),
    ("b", 1),
    ("k", 1 << 10),
    ("kib", 1 << 10),
    ("kb", 1_000),
    ("m", 1 << 20),
    ("mib", 1 << 20),
    ("mb", 1_000_000),
    ("g", 1 << 30),
    ("gib", 1 << 30),
    ("gb", 1_000_000_000),
    ("t", 1 << 40),
    ("tib", 1 << 40),
    ("tb", 1_000_000_000_000),
];

/// Reads a time; `bare` is what a number without a unit counts.
pub(super) fn time(text: &str, bare: Unit) -> Option<Duration> {
    let (number, suffix) = split(text)?;
    let factor = match suffix {
        "" => bare.seconds(),
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(factor)?;
    (seconds <= LONGEST).then(|| Duration::from_secs(seconds))
}

/// Writes a time so that [`time`] reads the same.
pub(super) fn show_time(time: Duration, bare: Unit) -> String {
    let seconds = time.as_secs();
    if seconds.is_multiple_of(bare.seconds()) {
        return (seconds / bare.seconds()).to_string();
    }
    format!("{seconds}s")
}

/// Reads a size in bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, suffix) = split(text)?;
    let suffix = suffix.to_ascii_lowercase();
    let (_, factor) = SIZES.iter().find(|(name, _)| *name == suffix)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(*factor).filter(|bytes| *bytes > 0);
    }
    fraction(number, *factor).filter(|bytes| *bytes > 0)
}

/// `1.5` times `factor`, exactly: through integers, because a float would lose bytes of large sizes.
fn fraction(number: &str, factor: u64) -> Option<u64> {
    let (whole, part) = number.split_once('.')?;
    let digits = u32::try_from(part.len()).ok().filter(|digits| (1..=9).contains(digits))?;
    let scale = 10u128.pow(digits);
    let scaled = u128::from(whole.parse::<u64>().ok()?) * scale + u128::from(part.parse::<u64>().ok()?);
    u64::try_from(scaled.checked_mul(u128::from(factor))? / scale).ok()
}

/// Writes a size so that [`size`] reads the same, in the largest unit that needs no fraction.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, factor) in [("TiB", 1u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if bytes >= factor && bytes.is_multiple_of(factor) {
            return format!("{} {unit}", bytes / factor);
        }
    }
    bytes.to_string()
}

/// A number and what follows it, without the space between.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    (!number.is_empty()).then_some((number, suffix.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        let minutes = |text| time(text, Unit::Minutes).map(|time| time.as_secs());
        for (text, seconds) in [
            ("15", Some(900)),
            ("90s", Some(90)),
            ("2 h", Some(7_200)),
            ("1 day", Some(86_400)),
            ("0", Some(0)),
            ("soon", None),
            ("-1", None),
            ("1.5h", None),
            ("5 parsecs", None),
            ("99999999999999999999", None),
            ("999999d", None),
            ("", None),
        ] {
            assert_eq!(minutes(text), seconds, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_exactly() {
        for (text, bytes) in [
            ("1 GiB", Some(1 << 30)),
            ("512m", Some(512 << 20)),
            ("1.5g", Some(3 << 29)),
            ("0.1 kb", Some(100)),
            ("2 GB", Some(2_000_000_000)),
            ("1024", Some(1024)),
            ("0", None),
            ("1 furlong", None),
            (".5g", None),
            ("1.2.3g", None),
            ("99999999 TiB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        for bytes in [1, 1023, 1 << 10, 3 << 29, 1 << 30, u64::MAX] {
            assert_eq!(size(&show_size(bytes)), Some(bytes));
        }
        for seconds in [0, 59, 60, 90, 3_600] {
            let time_ = Duration::from_secs(seconds);
            assert_eq!(time(&show_time(time_, Unit::Minutes), Unit::Minutes), Some(time_));
        }
    }
}
