//! Readers for fields that servers of different age send in different forms.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `null` means what a missing field means.
pub(crate) fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A whole number that may come as `1`, `1.0` or `"1"`; anything else counts as missing.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(number(deserializer)?.map(round))
}

/// The same for a size, which is never negative; 0 when it is missing.
pub(crate) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(whole(deserializer)?.and_then(|number| u32::try_from(number).ok()).unwrap_or_default())
}

/// A number of any form; anything else counts as missing.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A moment; one that cannot be read counts as missing.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(|text| text.parse().ok()))
}

/// Writes a moment in the form that the API's queries take.
pub(crate) fn write_moment(moment: Timestamp) -> String {
    format!("{moment:.3}")
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and no size or count comes near")]
fn round(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Read {
        #[serde(deserialize_with = "size")]
        cpu: u32,
        #[serde(deserialize_with = "whole")]
        minutes: Option<i64>,
        #[serde(deserialize_with = "moment")]
        at: Option<Timestamp>,
        #[serde(deserialize_with = "nullable")]
        labels: std::collections::BTreeMap<String, String>,
    }

    fn read(json: &str) -> Read {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn whole_numbers_are_read_in_every_form() {
        for json in [r#"{"cpu":2}"#, r#"{"cpu":2.0}"#, r#"{"cpu":"2"}"#] {
            assert_eq!(read(json).cpu, 2, "{json}");
        }
        assert_eq!(read(r#"{"minutes":-1.0}"#).minutes, Some(-1));
        for json in ["{}", r#"{"cpu":null}"#, r#"{"cpu":-3}"#, r#"{"cpu":{"a":[1]}}"#, r#"{"cpu":[1]}"#] {
            assert_eq!(read(json).cpu, 0, "{json}");
        }
    }

    #[test]
    fn a_moment_that_cannot_be_read_counts_as_missing() {
        assert!(read(r#"{"at":"2026-11-20T15:00:00.000Z"}"#).at.is_some());
        assert!(read(r#"{"at":"2026-11-20 15:00:00.1 +0000 UTC m=+0.1"}"#).at.is_none());
        assert!(read(r#"{"at":12}"#).at.is_none());
    }

    #[test]
    fn null_is_like_a_missing_field() {
        assert!(read(r#"{"labels":null}"#).labels.is_empty());
    }

    #[test]
    fn a_moment_is_written_with_milliseconds() {
        let moment: Timestamp = "2026-11-20T15:00:00Z".parse().unwrap();
        assert_eq!(write_moment(moment), "2026-11-20T15:00:00.000Z");
    }
}
