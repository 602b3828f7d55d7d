//! What a person types to name a run.
//!
//! Ids of runs that were started together begin alike, because they begin with the time; so the end of an id
//! is as good as its beginning, and the last eight digits are the form that people are shown.

use rusqlite::{Connection, OptionalExtension};

use super::row;
use crate::error::{Error, Result};
use crate::spec::RunId;

/// Fewer digits than this are more likely a slip than a name.
const FEWEST_DIGITS: usize = 4;

/// Hex digits of a full id.
const DIGITS: usize = 32;

/// See [`super::History::resolve`].
pub(super) fn resolve(connection: &Connection, given: &str) -> Result<RunId> {
    let not_found = || Error::RunNotFound { given: given.to_owned() };
    if let Some(place) = place_from_newest(given) {
        let sql = "SELECT id FROM runs ORDER BY seq DESC LIMIT 1 OFFSET ?1";
        let skipped = place.checked_sub(1).ok_or_else(not_found)?;
        let found = connection.prepare_cached(sql)?.query_row([skipped], |row| row::id(row, 0)).optional()?;
        return found.ok_or_else(not_found);
    }
    let digits: String = given.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let plausible = (FEWEST_DIGITS..=DIGITS).contains(&digits.len());
    if !plausible || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(not_found());
    }
    let found = matching(connection, &digits)?;
    match found.as_slice() {
        [] => Err(not_found()),
        [id] => Ok(*id),
        several => Err(Error::RunAmbiguous { given: given.to_owned(), count: several.len() }),
    }
}

/// `last` and `@N`: counted from the newest, which is 1.
fn place_from_newest(given: &str) -> Option<u32> {
    match given.strip_prefix('@') {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok(),
        Some(_) => None,
        None => (given == "last").then_some(1),
    }
}

/// Every run whose id begins or ends with these digits.
fn matching(connection: &Connection, digits: &str) -> Result<Vec<RunId>> {
    // `g` sorts behind every digit. The end has no index: the walk over the ids costs a few milliseconds at worst.
    let sql = "SELECT id FROM runs WHERE id >= ?1 AND id < ?1 || 'g'
               UNION SELECT id FROM runs WHERE id LIKE '%' || ?2";
    let beginning = dashed(digits, 0);
    let end = dashed(digits, DIGITS - digits.len());
    let mut find = connection.prepare_cached(sql)?;
    Ok(find.query_map([beginning, end], |row| row::id(row, 0))?.collect::<Result<_, _>>()?)
}

/// The digits with the dashes that a full id has between them, if the first is number `offset` of the id.
fn dashed(digits: &str, offset: usize) -> String {
    let mut text = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && matches!(offset + index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}
