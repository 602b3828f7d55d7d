//! What happens inside of one sandbox: commands, files, terminals.
//!
//! A toolbox answers only while its sandbox is started. Everything done through it counts as activity, unless it is done
//! through a handle [in the background](Toolbox::in_background).

mod files;
mod git;
mod interpreter;
mod process;
mod pty;
mod session;

use serde::Deserialize;

pub use self::files::{Download, Downloads, FileInfo, Files, Part, Permissions, Upload};
pub use self::git::GitClone;
pub use self::interpreter::{Code, Context, Execution, Interpreter, Printed};
pub use self::process::{Execute, Executed};
pub use self::pty::{Pty, PtyEvent, PtyInfo, PtyInput, PtyOptions};
pub use self::session::{
    Command, Event, Follow, Logs, Output, Position, Session, SessionInfo, Stream, SyncExec,
};
use crate::error::Result;
use crate::http::{Base, Call, Http};

/// The inside of one sandbox. Clones are cheap.
#[derive(Clone)]
pub struct Toolbox {
    http: Http,
    base: Base,
    passive: bool,
}

impl Toolbox {
    /// The toolbox of a sandbox, at the address that the API named for its kind.
    pub(crate) fn at(http: Http, proxy: &str, id: &str) -> Result<Self> {
        let place = Base::new(http.trust().learn(proxy)?);
        let base = Base::new(place.join(&[id])?);
        Ok(Self { http, base, passive: false })
    }

    /// The same, but what is done through it is no activity: for looking on without keeping the sandbox from stopping.
    #[must_use]
    pub fn in_background(&self) -> Self {
        Self { passive: true, ..self.clone() }
    }

    /// The files of the sandbox.
    pub fn files(&self) -> Files {
        Files::new(self.clone())
    }

    /// The Python interpreter of the sandbox, whose variables live on between executions.
    pub fn interpreter(&self) -> Interpreter {
        Interpreter::new(self.clone())
    }

    /// Version of Daytona's program inside.
    pub async fn version(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        Ok(self.http.json::<Version>(self.get(&["version"])?).await?.version)
    }

    /// The folder in which commands start, and to which relative paths belong.
    pub async fn work_dir(&self) -> Result<String> {
        self.dir("work-dir").await
    }

    /// The home folder of the user.
    pub async fn home_dir(&self) -> Result<String> {
        self.dir("user-home-dir").await
    }

    async fn dir(&self, which: &str) -> Result<String> {
        #[derive(Deserialize)]
        struct Dir {
            dir: String,
        }
        Ok(self.http.json::<Dir>(self.get(&[which])?).await?.dir)
    }

    fn get(&self, path: &[&str]) -> Result<Call> {
        Ok(self.base.get(path)?.passive(self.passive))
    }

    fn post(&self, path: &[&str]) -> Result<Call> {
        Ok(self.base.post(path)?.passive(self.passive))
    }

    fn delete(&self, path: &[&str]) -> Result<Call> {
        Ok(self.base.delete(path)?.passive(self.passive))
    }
}

impl std::fmt::Debug for Toolbox {
    /// The address alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toolbox").field("url", &self.base.url().as_str()).finish_non_exhaustive()
    }
}
