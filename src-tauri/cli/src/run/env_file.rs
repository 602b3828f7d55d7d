//! Files of variables, as Docker and Compose take them: a `NAME=VALUE` in each line.
//!
//! A value is what stands there, to the end of the line: nothing is expanded, so a `$` in a password stays one. Quotes
//! around the whole value are taken off. No error repeats what a file says, which may be secret.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use stigmer_engine::Error;
use stigmer_engine::spec::Text;

use crate::exit::Failure;

/// Largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Reads a file. A name alone takes the value that it has here, and is left out if it has none.
pub(super) fn read(file: &Path) -> Result<BTreeMap<String, Option<Text>>, Failure> {
    let unusable = |source| Failure::from(Error::File { path: file.to_owned(), source });
    let text = read_bounded(file).map_err(unusable)?;
    let mut set = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let entry =
            variable(line).map_err(|why| unusable(io::Error::other(format!("line {}: {why}", index + 1))))?;
        match entry {
            Some((name, Some(value))) => drop(set.insert(name.to_owned(), Some(value.into()))),
            Some((name, None)) => {
                if let Some(value) = std::env::var_os(name) {
                    set.insert(name.to_owned(), Some(value.into()));
                }
            }
            None => {}
        }
    }
    Ok(set)
}

fn read_bounded(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let opened = std::fs::File::open(file)?;
    io::Read::read_to_string(&mut io::Read::take(opened, LARGEST + 1), &mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

/// The variable in a line; `None` in an empty one and in a comment.
fn variable(line: &str) -> Result<Option<(&str, Option<&str>)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (name, value) = match line.split_once('=') {
        Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
        None => (line, None),
    };
    let fits = |character: char| character == '_' || character.is_ascii_alphanumeric();
    if name.is_empty() || !name.chars().all(|character| fits(character) || ".-".contains(character)) {
        return Err("it is not NAME=VALUE");
    }
    Ok(Some((name, value)))
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_stands_there() {
        for (line, expected) in [
            ("A=b c", Some(("A", Some("b c")))),
            ("A=p$word#1", Some(("A", Some("p$word#1")))),
            ("export A = 'b \"c'", Some(("A", Some("b \"c")))),
            ("A=\"it's\"", Some(("A", Some("it's")))),
            ("A=", Some(("A", Some("")))),
            ("A=b=c", Some(("A", Some("b=c")))),
            ("A", Some(("A", None))),
            ("  # A=b", None),
            ("", None),
        ] {
            assert_eq!(variable(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_is_no_variable_is_refused_and_not_repeated() {
        for line in ["root:x:0:0", "=b", "two words", "A B=c"] {
            assert_eq!(variable(line), Err("it is not NAME=VALUE"), "{line}");
        }
    }
}
