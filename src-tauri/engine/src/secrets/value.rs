//! A value that nobody may see by accident.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Largest value, in bytes. Windows itself keeps no more than 2,560 and says so when one is set.
const LARGEST: usize = 64 * 1024;

/// The value of a secret: text of 1 byte to 64 KiB without NUL, as a variable can hold it.
///
/// It cannot be printed, serialised or compared by mistake, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over `value`, which is wiped if it cannot be a secret. Fails if it is empty, larger than 64 KiB,
    /// not UTF-8 or has a NUL.
    pub fn new(value: impl Into<Vec<u8>>) -> Result<Self> {
        let mut value = Zeroizing::new(value.into());
        let wrong = if value.is_empty() {
            "an empty value cannot be a secret"
        } else if value.len() > LARGEST {
            "the value is too large for a secret"
        } else if value.contains(&0) {
            "a value with a NUL byte cannot be a secret"
        } else {
            match String::from_utf8(std::mem::take(&mut *value)) {
                Ok(text) => return Ok(Self(Zeroizing::new(text))),
                Err(error) => {
                    *value = error.into_bytes();
                    "a value that is not UTF-8 cannot be a secret"
                }
            }
        };
        Err(Error::InvalidSpec {
            what: wrong.to_owned(),
            hint: "use text of 1 byte to 64 KiB; encode other data, for instance in base64",
        })
    }

    /// The value. What is made of it is the caller's to wipe.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_its_value() {
        let secret = Secret::new("hunter2").unwrap();
        assert_eq!(format!("{secret:?} {secret:#?}"), "Secret(…) Secret(…)");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn what_a_variable_cannot_hold_is_refused_without_repeating_it() {
        let too_large = "x".repeat(LARGEST + 1);
        for (value, wrong) in [
            (&b""[..], "empty"),
            (too_large.as_bytes(), "too large"),
            (b"hunter2\0", "NUL"),
            (b"hunter2\xff", "not UTF-8"),
        ] {
            let error = Secret::new(value).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        assert!(Secret::new("x".repeat(LARGEST)).is_ok());
    }
}
