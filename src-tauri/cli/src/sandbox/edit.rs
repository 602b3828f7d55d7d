//! What is changed of cloud sandboxes: whether they work, their size, timers and labels; and their ports.

use std::collections::BTreeMap;

use serde_json::json;
use stigmer_engine::Error;
use stigmer_engine::backend::docker::{Docker, Wish};
use stigmer_engine::cloud::{CloudDetail, Size, Timers};

use super::cloud::{self, Cloud};
use crate::args::{self, Minutes, Named, SandboxCommand, Shown};
use crate::exit::Failure;
use crate::output::{Output, Tone, answer};

/// Where both kinds of sandboxes are.
pub(super) struct Yard<'a> {
    pub(super) docker: &'a Docker,
    pub(super) wish: Wish,
    pub(super) cloud: Cloud<'a>,
    pub(super) output: &'a Output,
}

impl Yard<'_> {
    /// Changes a sandbox in the cloud, and shows what became of it.
    pub(super) async fn edit(&self, command: SandboxCommand) -> Result<(), Failure> {
        let Cloud { daytona, account, .. } = &self.cloud;
        match command {
            SandboxCommand::Recover(shown) => {
                let done = daytona.recover_sandbox(account, &shown.named.name);
                Box::pin(self.show(&shown, "recovered", done)).await
            }
            SandboxCommand::Resize(args::Resize { shown, cpu, memory, disk }) => {
                let done = daytona.resize_sandbox(account, &shown.named.name, Size { cpu, memory, disk });
                Box::pin(self.show(&shown, "resized", done)).await
            }
            SandboxCommand::Timers(args::Timers { shown, stop, archive, delete }) => {
                let timers = Timers {
                    auto_stop: stop.map(Option::unwrap_or_default),
                    auto_archive: archive.map(Option::unwrap_or_default),
                    auto_delete: delete.map(or_never),
                };
                let done = daytona.set_timers(account, &shown.named.name, timers);
                Box::pin(self.show(&shown, "timed", done)).await
            }
            SandboxCommand::Label { shown, labels } => {
                let changes = changes(&labels)?;
                let done = daytona.label_sandbox(account, &shown.named.name, changes);
                Box::pin(self.show(&shown, "labelled", done)).await
            }
            _ => Ok(()),
        }
    }

    async fn show(
        &self,
        Shown { named, json }: &Shown,
        done: &str,
        change: impl Future<Output = stigmer_engine::Result<CloudDetail>>,
    ) -> Result<(), Failure> {
        let detail = Box::pin(Cloud::either(self.not_a_container(named, done), change)).await?;
        let detail = self.cloud.engine.costed(detail, |detail| &detail.sandbox).await?;
        if *json { answer(&json!(detail).to_string()) } else { answer(&cloud::facts(&detail, self.output)) }
    }

    /// Fails, and says why where there is a container of this name.
    pub(super) async fn not_a_container<T>(
        &self,
        Named { name }: &Named,
        done: &str,
    ) -> stigmer_engine::Result<T> {
        self.docker.sandbox_detail(&self.wish, name).await?;
        Err(Error::Conflict {
            what: format!("`{name}` is a container, and only sandboxes in the cloud are {done}"),
            hint: "run in another one, with other options: stigmer run --help",
        })
    }

    /// Prints the ports of a container, or an address of a port of a cloud sandbox.
    pub(super) async fn ports(
        &self,
        Shown { named, json }: &Shown,
        port: Option<u16>,
        within: std::time::Duration,
    ) -> Result<(), Failure> {
        let here = async {
            let detail = self.docker.sandbox_detail(&self.wish, &named.name).await?;
            let ports = detail.sandbox.ports;
            if *json {
                return Ok(json!({ "ports": ports }).to_string());
            }
            let line = |port: &String| {
                let (here, there) = port.split_once(':').unwrap_or((port, port));
                format!("127.0.0.1:{here} → {there}")
            };
            Ok(ports.iter().map(line).collect::<Vec<_>>().join("\n"))
        };
        let Cloud { daytona, account, .. } = &self.cloud;
        let there = async {
            let Some(port) = port else {
                daytona.sandbox_detail(account, &named.name).await?;
                return Err(Error::InvalidSpec {
                    what: "a sandbox in the cloud does not say at which ports somebody answers".to_owned(),
                    hint: "name one: stigmer sandbox ports NAME PORT",
                });
            };
            let preview = daytona.preview(account, &named.name, port, within).await?;
            let note = format_args!("works for {} s, for whoever knows it", preview.seconds);
            self.output.note(Tone::Dim, note);
            Ok(if *json { json!(preview).to_string() } else { preview.url })
        };
        let text = Box::pin(Cloud::either(here, there)).await?;
        if text.is_empty() { Ok(()) } else { answer(&text) }
    }
}

fn or_never(minutes: Minutes) -> i32 {
    minutes.map_or(-1, |minutes| i32::try_from(minutes).unwrap_or(i32::MAX))
}

/// `KEY=VALUE` sets a label, `KEY-` takes one off.
fn changes(words: &[String]) -> Result<BTreeMap<String, Option<String>>, Failure> {
    let read = |word: &String| match (word.split_once('='), word.strip_suffix('-')) {
        (Some((key, value)), _) => Ok((key.to_owned(), Some(value.to_owned()))),
        (None, Some(key)) => Ok((key.to_owned(), None)),
        (None, None) => {
            let what = format!("`{word}` is no label");
            Err(Failure::usage(what, "write KEY=VALUE to set one, KEY- to take one off"))
        }
    };
    words.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_set_and_taken_off() {
        let words = ["a=b=c".to_owned(), "empty=".to_owned(), "gone-".to_owned(), "x-=y-".to_owned()];
        let read = changes(&words).unwrap();
        let said = |key: &str| read.get(key).and_then(Option::as_deref);
        assert_eq!((said("a"), said("empty"), said("x-")), (Some("b=c"), Some(""), Some("y-")));
        assert!(read.get("gone").is_some_and(Option::is_none));
        assert!(changes(&["word".to_owned()]).is_err());
    }

    #[test]
    fn never_has_a_number_of_its_own() {
        assert_eq!([None, Some(0), Some(5)].map(or_never), [-1, 0, 5]);
    }
}
