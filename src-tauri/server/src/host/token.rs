//! The token: what a program must know to use the API. Kept over restarts, so that a page stays open.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use stigmer_engine::Error;
use stigmer_engine::home::Home;
use uuid::Uuid;

/// Fewest characters of a token that is taken from the file.
const SHORTEST: usize = 32;

/// What opens the API. Only its user can read the file that it is in.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token of a home, if there is one.
    pub fn read(home: &Home) -> io::Result<Self> {
        let text = std::fs::read_to_string(path(home))?;
        let token = text.trim();
        let is_one = token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_one { Ok(Self(token.to_owned())) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    /// The token of a home, made if there is none. Called by whoever has the claim.
    pub(super) fn of(home: &Home) -> Result<Self, Error> {
        match Self::read(home) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                Self::make(home)
            }
            read => read.map_err(Error::storage("reading", &path(home))),
        }
    }

    fn make(home: &Home) -> Result<Self, Error> {
        // Two of them: 244 bits from the system's generator.
        let token = Self(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()));
        let path = path(home);
        let write = || {
            // One that is no token may be readable by others, and would stay so.
            let _ = std::fs::remove_file(&path);
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
            writeln!(file, "{}", token.0)
        };
        write().map_err(Error::storage("writing", &path))?;
        Ok(token)
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

fn path(home: &Home) -> PathBuf {
    home.root().join("server.token")
}
