//! `server.json`: where the server of a home is.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stigmer_engine::home::Home;
use stigmer_engine::{Error, history};
use uuid::Uuid;

use super::surroundings;

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its engine, whose lock says whether it is alive.
    pub host: Uuid,
    /// Its version.
    pub version: String,
    /// What it is.
    pub kind: Kind,
    /// Its process.
    pub pid: u32,
    /// What a run has from the process that starts it, as one word; see [`surroundings`].
    pub surroundings: String,
}

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `stigmer server start`.
    Server,
    /// The desktop app.
    App,
}

impl Record {
    pub(super) fn new(address: SocketAddr, host: Uuid, kind: Kind) -> Self {
        Self {
            address,
            host,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind,
            pid: std::process::id(),
            surroundings: surroundings(),
        }
    }

    /// The server of a home, if one is alive.
    pub fn find(home: &Home) -> Option<Self> {
        // The usual answer, and the only thing that a call without a server pays for.
        let bytes = std::fs::read(path(home)).ok()?;
        let record: Self = serde_json::from_slice(&bytes).ok()?;
        history::is_alive(home, record.host).unwrap_or(false).then_some(record)
    }

    /// The address of its pages.
    pub fn url(&self) -> String {
        let mut reachable = self.address;
        if reachable.ip().is_unspecified() {
            reachable.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{reachable}/")
    }

    pub(super) fn write(&self, home: &Home) -> Result<(), Error> {
        let path = path(home);
        let write = || {
            let new = path.with_extension("json.new");
            let _ = std::fs::remove_file(&new);
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
            serde_json::to_writer(&file, self).map_err(io::Error::from)?;
            writeln!(file)?;
            // Whoever reads it meanwhile reads the old or the new one.
            std::fs::rename(&new, &path)
        };
        write().map_err(Error::storage("writing", &path))
    }

    pub(super) fn remove(home: &Home) {
        // One that stays names an engine that is gone, and nobody believes it.
        let _ = std::fs::remove_file(path(home));
    }
}

fn path(home: &Home) -> PathBuf {
    home.root().join("server.json")
}
