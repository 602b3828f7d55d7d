//! What a setting can be, once it is understood.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::spec::Mode;

/// The value of a setting, of the kind that its key asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A place where runs execute.
    Mode(Mode),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(u64),
    /// A number that may have a fraction.
    Number(f64),
    /// A time.
    Time(Duration),
    /// Bytes.
    Size(u64),
    /// Words; also the chosen one of several.
    Text(String),
    /// Several values of one kind.
    List(Vec<Value>),
    /// Names and values.
    Map(BTreeMap<String, Value>),
    /// Something that nobody is shown.
    Secret(Secret),
}

impl Serialize for Value {
    /// Times as seconds, sizes as bytes, secrets masked.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mode(mode) => to.serialize_str(mode.name()),
            Self::Bool(yes) => to.serialize_bool(*yes),
            Self::Integer(number) | Self::Size(number) => to.serialize_u64(*number),
            Self::Number(number) => to.serialize_f64(*number),
            Self::Time(time) => to.serialize_u64(time.as_secs()),
            Self::Text(text) => to.serialize_str(text),
            Self::List(items) => items.serialize(to),
            Self::Map(entries) => entries.serialize(to),
            Self::Secret(secret) => to.collect_str(secret),
        }
    }
}

/// A value that is shown masked wherever it turns up.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a value out of sight.
    pub(super) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one who has to send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••••••")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({self})")
    }
}
