//! Enumerations that a server may extend at any time.

/// Makes an enumeration of the server's words with one more variant, `Unknown`, for every other word.
macro_rules! open_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that this crate does not know.
            Unknown(String),
        }

        impl $name {
            /// The server's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Unknown(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    _ => Self::Unknown(word.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Default for $name {
            /// What a server that says nothing is taken to mean.
            fn default() -> Self {
                Self::Unknown("unknown".to_owned())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(word.as_ref()))
            }
        }
    };
}

pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use crate::VolumeState;

    #[test]
    fn a_word_that_is_not_known_is_kept_as_it_came() {
        let states: Vec<VolumeState> = serde_json::from_str(r#"["ready", "ultra\u0076iolet"]"#).unwrap();
        assert_eq!(states, [VolumeState::Ready, VolumeState::Unknown("ultraviolet".to_owned())]);
        assert_eq!(serde_json::to_string(&states).unwrap(), r#"["ready","ultraviolet"]"#);
    }
}
