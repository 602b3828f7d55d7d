//! Text of the system: arguments, values of variables, paths. Nothing of it is lost on the way through JSON.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text as the system has it: bytes, nearly always UTF-8. In JSON a string, or `{"base64": …}` where it is
/// not UTF-8, so that nothing is lost on the way through history and API.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(OsString);

impl Text {
    /// The same as the system's own type.
    pub fn as_os(&self) -> &OsStr {
        &self.0
    }

    /// The bytes that the system is given.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_encoded_bytes()
    }

    /// For people, with replacement characters where it is not UTF-8.
    pub fn lossy(&self) -> Cow<'_, str> {
        self.0.to_string_lossy()
    }

    /// Quoted for a POSIX shell where that is needed.
    pub fn quoted(&self) -> String {
        let text = self.lossy();
        let plain = |c: char| c.is_alphanumeric() || "@%_+=:,./-".contains(c);
        if !text.is_empty() && text.chars().all(plain) {
            return text.into_owned();
        }
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

impl<T: Into<OsString>> From<T> for Text {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lossy())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum TextForm {
    Plain(String),
    Bytes { base64: String },
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => to.serialize_str(text),
            None => TextForm::Bytes { base64: BASE64_STANDARD.encode(self.as_bytes()) }.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match TextForm::deserialize(from)? {
            TextForm::Plain(text) => Ok(text.into()),
            TextForm::Bytes { base64 } => {
                let bytes = BASE64_STANDARD.decode(base64).map_err(serde::de::Error::custom)?;
                crate::os::text_from_bytes(bytes).map(Self).map_err(serde::de::Error::custom)
            }
        }
    }
}

/// Paths in JSON: as [`Text`], so that one that is not UTF-8 survives, too.
pub(super) mod path_form {
    use super::{Deserialize, Deserializer, PathBuf, Serialize, Serializer, Text};

    pub(in crate::spec) fn serialize<S: Serializer>(path: &PathBuf, to: S) -> Result<S::Ok, S::Error> {
        Text::from(path).serialize(to)
    }

    pub(in crate::spec) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Text::deserialize(from).map(|text| PathBuf::from(text.0))
    }

    pub(in crate::spec) mod optional {
        use super::{Deserialize, Deserializer, PathBuf, Serialize, Serializer, Text};

        #[expect(clippy::ref_option, reason = "the signature that serde asks for")]
        pub(in crate::spec) fn serialize<S: Serializer>(
            path: &Option<PathBuf>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            path.as_ref().map(Text::from).serialize(to)
        }

        pub(in crate::spec) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<PathBuf>, D::Error> {
            Ok(Option::<Text>::deserialize(from)?.map(|text| PathBuf::from(text.0)))
        }
    }
}
