//! Lines without the times in them.
//!
//! A time is a date, a clock (`12:01:07`, `00:03.2`), or a number with a unit of time (`3.4 s`, `12ms`,
//! `1 min 2 s`) or of something in a time (`5.1 MB/s`, `20 it/s`).

use std::borrow::Cow;

/// What stands for a time.
const TIME: char = '\u{1}';

/// The units of time, in lower case.
const UNITS: [&str; 24] = [
    "ns", "us", "µs", "μs", "ms", "s", "m", "h", "d", "sec", "secs", "second", "seconds", "min", "mins",
    "minute", "minutes", "hr", "hrs", "hour", "hours", "day", "days", "msec",
];

/// A line with a mark in the place of each time.
pub(super) fn without(line: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = line[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + found;
        let end = start + number(&line[start..]);
        let before = line[..start].chars().next_back();
        // `1m20s` is one time behind the other.
        let inside_word = start != copied && before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        match time(&line[start..], end - start) {
            Some(length) if !inside_word => {
                kept.push_str(&line[copied..start]);
                kept.push(TIME);
                copied = start + length;
                at = copied;
            }
            _ => at = end,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(line);
    }
    kept.push_str(&line[copied..]);
    Cow::Owned(kept)
}

/// Length of the number that begins here, with all that may stand within a number, a clock or a date.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    for (index, byte) in bytes.iter().enumerate() {
        let joins = matches!(byte, b'.' | b',' | b':' | b'-' | b'/' | b'T');
        let digit_follows = bytes.get(index + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => end = index + 1,
            _ if joins && digit_follows => {}
            _ => break,
        }
    }
    end
}

/// Length of the time that begins here with a number of this length, if it is one.
fn time(text: &str, number: usize) -> Option<usize> {
    let (digits, rest) = text.split_at(number);
    let is_clock = digits.contains(':') && digits.split(':').count() <= 4 && !digits.contains('/');
    let is_date =
        digits.split(['-', '/', 'T']).take(3).filter(|part| matches!(part.len(), 2 | 4)).count() == 3;
    if is_clock || is_date {
        return Some(number + zone(rest));
    }
    let spaces = rest.len() - rest.trim_start_matches(' ').len();
    let word: &str =
        rest[spaces..].split(|c: char| !c.is_alphabetic() && c != '/').next().unwrap_or_default();
    let is_unit = |unit: &str| UNITS.contains(&unit.to_lowercase().as_str());
    let is_rate = word.split_once('/').is_some_and(|(what, per)| !what.is_empty() && is_unit(per));
    let ends = !rest[spaces + word.len()..].starts_with(|c: char| c == '_' || c.is_alphanumeric())
        || rest[spaces + word.len()..].starts_with(|c: char| c.is_ascii_digit());
    (spaces < 2 && ends && (is_unit(word) || is_rate)).then_some(number + spaces + word.len())
}

/// Length of the time zone behind a clock.
fn zone(rest: &str) -> usize {
    match rest.as_bytes() {
        [b'Z', ..] => 1,
        [b'+' | b'-', offset @ ..] => {
            let length = offset.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b':').count();
            if matches!(length, 4 | 5) { length + 1 } else { 0 }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_only_in_time_are_the_same_without_it() {
        for (one, other) in [
            ("12:01:07 step 1/3", "12:01:09 step 1/3"),
            ("[2026-01-31T12:00:00Z] up", "[2026-02-01T09:13:59Z] up"),
            ("2026-01-31 12:00:00.123 up", "2026-01-31 12:00:01.999 up"),
            ("took 3.4 s", "took 12 ms"),
            ("took 1m20s.", "took 59m1s."),
            ("Finished in 0.01 seconds", "Finished in 17 seconds"),
            ("read 5.1 MB/s", "read 17 MB/s"),
            ("100% 00:03.2", "100% 00:04.7"),
        ] {
            assert_eq!(without(one), without(other), "{one}");
        }
    }

    #[test]
    fn other_numbers_count() {
        for (one, other) in [
            ("3 files", "4 files"),
            ("v1s", "v2s"),
            ("5 MB", "6 MB"),
            ("step 1/3", "step 2/3"),
            ("exit 1", "exit 2"),
            ("id a1 s", "id a2 s"),
            ("10 succeeded", "9 succeeded"),
        ] {
            assert_ne!(without(one), without(other), "{one}");
        }
    }
}
