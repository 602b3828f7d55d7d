//! The process behind a context of the interpreter.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::Mutex;

use super::{Toolbox, execute};

/// Keeps the variables of one context.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: String,
    cwd: String,
    created: String,
    active: AtomicBool,
    leader: Option<Pid>,
    /// Held while code runs, so that the next waits for its turn.
    pub(super) pipes: Mutex<Pipes>,
}

/// What a worker is talked to through.
#[derive(Debug)]
pub(super) struct Pipes {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Pipes {
    pub(super) async fn send(&mut self, code: &str, envs: &BTreeMap<String, String>) -> io::Result<()> {
        let request = json!({ "code": code, "envs": envs });
        self.input.write_all(format!("{request}\n").as_bytes()).await
    }

    /// The next message; `None` when the worker died.
    pub(super) async fn next(&mut self) -> Option<Value> {
        let line = self.output.next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    }
}

impl Worker {
    pub(super) async fn start(
        toolbox: &Toolbox,
        id: &str,
        cwd: &str,
        created: String,
    ) -> io::Result<Arc<Self>> {
        let mut command = toolbox.place.command(cwd, toolbox.env(BTreeMap::new()), false);
        command.args(["python3", "-u", "-c", include_str!("worker.py")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let lost = || io::Error::other("the interpreter has no pipes");
        let input = child.stdin.take().ok_or_else(lost)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(lost)?).lines();
        Ok(Arc::new(Self {
            id: id.to_owned(),
            cwd: cwd.to_owned(),
            created,
            active: AtomicBool::new(true),
            leader: execute::leader(&child).await,
            pipes: Mutex::new(Pipes { input, output, _child: child }),
        }))
    }

    pub(super) fn interrupt(&self) {
        if let Some(leader) = self.leader {
            let _ = kill(leader, Signal::SIGINT);
        }
    }

    pub(super) fn kill(&self) {
        if self.active.swap(false, Ordering::AcqRel)
            && let Some(leader) = self.leader
        {
            let _ = kill(leader, Signal::SIGKILL);
        }
    }

    pub(super) fn is_active(&self) -> bool {
        self.active.load(Ordering::Acquire)
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "cwd": self.cwd, "createdAt": self.created, "active": self.is_active(),
            "language": "python",
        })
    }
}
