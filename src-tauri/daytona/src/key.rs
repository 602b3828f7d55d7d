//! The key, which nothing prints.

use std::fmt;

use zeroize::Zeroizing;

/// An API key of Daytona, as `dtn_…`, or a user's JWT.
///
/// It is overwritten in memory when the last copy is dropped, and `Debug` hides it. What travels is the header that
/// is made from it, which is marked as sensitive.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Takes a key as somebody pasted it: white space around it is not part of it.
    pub fn new(key: impl Into<String>) -> Self {
        let pasted = Zeroizing::new(key.into());
        Self(Zeroizing::new(pasted.trim().to_owned()))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` without the key, for words that came from elsewhere and may echo it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        if self.is_empty() { text.to_owned() } else { text.replace(self.0.as_str(), "[key]") }
    }

    /// The value of the `Authorization` header; `None` for a key with characters that no header can carry.
    pub(crate) fn header(&self) -> Option<reqwest::header::HeaderValue> {
        let text = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        let mut value = reqwest::header::HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([hidden])")
    }
}

impl From<&str> for ApiKey {
    fn from(key: &str) -> Self {
        Self::new(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let key = ApiKey::new("  dtn_secret\n");
        assert_eq!(format!("{key:?}"), "ApiKey([hidden])");
        assert_eq!(format!("{:?}", key.header()), "Some(Sensitive)");
        assert_eq!(key.scrub("token dtn_secret is unknown"), "token [key] is unknown");
    }

    #[test]
    fn a_key_with_a_line_break_inside_has_no_header() {
        assert!(ApiKey::new("dtn_a\ndtn_b").header().is_none());
    }
}
