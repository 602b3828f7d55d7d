//! What a secret may be called.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Longest name, in bytes.
const LONGEST: usize = 128;

/// Begins the names that are ours; in any case, as Windows has variables.
const OURS: &str = "STIGMER_";

/// The name of a secret, which is also the name of the variable that a run finds it under.
///
/// Letters, digits and `_`, not beginning with a digit, at most 128 bytes. Names that begin with `STIGMER_`
/// cannot be parsed: they are our own, so nobody reads or replaces our keys as if they were secrets for runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Cow<'static, str>);

impl SecretName {
    /// The key for Daytona's API.
    pub const DAYTONA_API_KEY: Self = Self(Cow::Borrowed("STIGMER_DAYTONA_API_KEY"));

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        let fits = (1..=LONGEST).contains(&name.len())
            && name.bytes().all(word)
            && !name.as_bytes()[0].is_ascii_digit();
        if !fits {
            // Not quoted whole: who swaps name and value in a command would find the value in the log.
            return Err(Error::InvalidSpec {
                what: "this cannot be the name of a secret".to_owned(),
                hint: "use letters, digits and `_`, at most 128, not beginning with a digit",
            });
        }
        if name.len() >= OURS.len() && name[..OURS.len()].eq_ignore_ascii_case(OURS) {
            return Err(Error::InvalidSpec {
                what: format!("the name `{name}` is reserved"),
                hint: "use a name that does not begin with `STIGMER_`",
            });
        }
        Ok(Self(Cow::Owned(name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variables_are_names_of_secrets() {
        for name in ["A", "_", "TOKEN_2", "lower", &"x".repeat(128)] {
            assert_eq!(name.parse::<SecretName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_cannot_be_a_variable_is_refused_without_repeating_it() {
        for name in ["", "2FA", "A-B", "A B", "A=B", "Ä", "A\0", &"x".repeat(129)] {
            let error = name.parse::<SecretName>().unwrap_err();
            assert_eq!(error.code(), "invalid-spec");
            assert_eq!(error.to_string(), "this cannot be the name of a secret");
        }
    }

    #[test]
    fn our_own_names_cannot_be_asked_for() {
        for name in [SecretName::DAYTONA_API_KEY.as_str(), "STIGMER_", "stigmer_x"] {
            let error = name.parse::<SecretName>().unwrap_err();
            assert!(error.to_string().ends_with("is reserved"), "{error}");
        }
        assert!("STIGMER".parse::<SecretName>().is_ok());
    }
}
