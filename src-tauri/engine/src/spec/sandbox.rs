//! What a run asks of its sandbox.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::path_form;

/// What a sandbox is asked to be. What is left out is a matter of the settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sandbox {
    /// The image: a name with or without a tag, or an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The snapshot of a cloud sandbox: its id or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Whether what changed in the workspace of a cloud sandbox comes back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bring_back: bool,
    /// CPUs that it may use; parts of one count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<f64>,
    /// Memory that it may use, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processes that it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids: Option<u64>,
    /// Folders and files of this machine that it sees, besides the workspace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Ports of it that this machine reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    /// The user that commands run as: `UID:GID` or a name of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// One of its own, thrown away when the run is over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// With `fresh`: not thrown away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
    /// This one, which is there: nothing else of these counts then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
}

/// Something of this machine that a sandbox sees. Its text form is `SOURCE:TARGET` or `SOURCE:TARGET:ro`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mount {
    /// The folder or file here; absolute, or below the home folder as `~/…`.
    #[serde(with = "path_form")]
    pub source: PathBuf,
    /// Where it is in the sandbox; absolute.
    pub target: String,
    /// Whether the sandbox may only read it.
    #[serde(default)]
    pub read_only: bool,
}

impl FromStr for Mount {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write SOURCE:TARGET or SOURCE:TARGET:ro, with a TARGET that begins with `/`";
        let (paths, read_only) = match text.strip_suffix(":ro") {
            Some(paths) => (paths, true),
            None => (text.strip_suffix(":rw").unwrap_or(text), false),
        };
        // The last one: a source may have colons.
        let (source, target) = paths.rsplit_once(':').ok_or(FORM)?;
        if source.is_empty() || !target.starts_with('/') {
            return Err(FORM);
        }
        Ok(Self { source: source.into(), target: target.to_owned(), read_only })
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.read_only { ":ro" } else { "" };
        write!(f, "{}:{}{how}", self.source.display(), self.target)
    }
}

/// A port of a sandbox that this machine reaches, and nobody else. Its text form is `HOST:SANDBOX`, or one number for
/// both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Port {
    /// The port on this machine.
    pub host: u16,
    /// The port in the sandbox.
    pub sandbox: u16,
}

impl FromStr for Port {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write HOST:SANDBOX, two numbers from 1 to 65535";
        let (host, sandbox) = text.split_once(':').unwrap_or((text, text));
        let port = |text: &str| text.parse().ok().filter(|&port: &u16| port > 0).ok_or(FORM);
        Ok(Self { host: port(host)?, sandbox: port(sandbox)? })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.sandbox)
    }
}

/// The network that a run sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// None: it can neither open nor accept connections.
    None,
    /// One of its own, with a way out.
    Bridge,
    /// That of this machine.
    Host,
    /// A network of this name.
    Named(String),
}

impl Network {
    /// Its name in options, settings and records.
    pub fn name(&self) -> &str {
        match self {
            Self::None => "none",
            Self::Bridge => "bridge",
            Self::Host => "host",
            Self::Named(name) => name,
        }
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| {
            let mut letters = name.chars();
            letters.next().is_some_and(|first| first.is_ascii_alphanumeric())
                && letters.all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter))
        };
        match name {
            "none" => Ok(Self::None),
            "bridge" => Ok(Self::Bridge),
            "host" => Ok(Self::Host),
            name if is_name(name) => Ok(Self::Named(name.to_owned())),
            _ => Err("the network can be none, bridge, host or the name of one"),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_as_they_are_shown() {
        for text in ["/a:/b", "/a:/b:ro", "/with:colon:/b", "~/.aws:/home/sandbox/.aws:ro"] {
            assert_eq!(text.parse::<Mount>().unwrap().to_string(), text);
        }
        assert!(!"/a:/b:rw".parse::<Mount>().unwrap().read_only);
        for bad in ["", "/a", ":/b", "/a:b", "/a:b:ro", "/a:"] {
            assert!(bad.parse::<Mount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ports_are_two_numbers_or_one_for_both() {
        assert_eq!("8080:80".parse(), Ok(Port { host: 8080, sandbox: 80 }));
        assert_eq!("3000".parse(), Ok(Port { host: 3000, sandbox: 3000 }));
        for bad in ["", "0", "80:", "80:0", "65536", "a:b", "1:2:3"] {
            assert!(bad.parse::<Port>().is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_are_a_word_in_json() {
        for name in ["none", "bridge", "host", "my-net_1.0"] {
            let json = format!("\"{name}\"");
            let network: Network = serde_json::from_str(&json).unwrap();
            assert_eq!((network.name(), serde_json::to_string(&network).unwrap()), (name, json.clone()));
        }
        for bad in ["", "-x", "a b", "../x"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
