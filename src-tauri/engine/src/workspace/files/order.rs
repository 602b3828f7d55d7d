//! The order in which people expect names: `a2` before `a10`, `B` between `a` and `c`.

use std::cmp::Ordering;

/// Compares two names: numbers by their value, letters without regard to case.
pub(super) fn natural(left: &str, right: &str) -> Ordering {
    let (mut one, mut other) = (left, right);
    loop {
        let order = match (one.chars().next(), other.chars().next()) {
            // The same but for case or leading zeros: any order, as long as it is always the same.
            (None, None) => return left.cmp(right),
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, b) = (number(&mut one), number(&mut other));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            (Some(a), Some(b)) => {
                (one, other) = (&one[a.len_utf8()..], &other[b.len_utf8()..]);
                a.to_lowercase().cmp(b.to_lowercase())
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes the digits that a text begins with, and gives them without leading zeros.
fn number<'a>(text: &mut &'a str) -> &'a str {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    *text = rest;
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn numbers_count_by_value_and_letters_without_case() {
        let mut names = ["b", "a10", "A2", "a2", "a02", "a1.txt", "a1", "Z", "é", "a99999999999999999999999"];
        names.sort_by(|left, right| natural(left, right));
        assert_eq!(
            names,
            ["a1", "a1.txt", "A2", "a02", "a2", "a10", "a99999999999999999999999", "b", "Z", "é"]
        );
    }
}
