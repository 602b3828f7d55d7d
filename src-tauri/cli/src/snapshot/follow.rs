//! Seeing a snapshot through: its states as words, the log of its build as it comes.

use std::io::Write as _;

use serde_json::json;
use stigmer_engine::snapshot::{News, Snapshot};
use stigmer_engine::{Error, Report};

use super::{Desk, unusable};
use crate::args::Follow;
use crate::exit::{Exit, Failure};
use crate::output::{Tone, answer};
use crate::run::Signals;
use crate::runs::time;

impl Desk<'_> {
    /// Waits until a snapshot that was begun can be used.
    pub(super) async fn see_through(
        &self,
        begun: Snapshot,
        is_built: bool,
        how: &Follow,
    ) -> Result<Exit, Failure> {
        let (name, id) = (begun.name.clone(), begun.id.clone());
        if how.detach {
            if how.json {
                answer(&json!(begun).to_string())?;
            } else {
                self.output.note(Tone::Dim, format_args!("{name} is {}", begun.words()));
                self.output.note(Tone::Dim, format_args!("how it is: stigmer snapshot show {name}"));
            }
            return Ok(Exit::Success);
        }
        let mut signals = Signals::new()?;
        let mut seen = begun;
        let tell = |news| self.tell(news, &mut seen, how.json);
        let followed = self.daytona.follow_snapshot(&self.account, &id, is_built, how.timeout, tell);
        let followed = tokio::select! {
            followed = followed => followed,
            signal = signals.stop() => return Ok(self.leave(&name, signal)),
        };
        match followed {
            Ok(done) if how.json => answer(&json!(done).to_string())?,
            Ok(done) => {
                self.output.note(Tone::Good, format_args!("{name} is {}", done.words()));
                self.output.note(Tone::Dim, format_args!("next: {}", done.next_step()));
            }
            Err(error) => return Err(not_ready(error, &seen, how)),
        }
        Ok(Exit::Success)
    }

    /// Stops waiting, since a signal asks for it.
    pub(super) fn leave(&self, name: &str, signal: i32) -> Exit {
        self.output.warning(format_args!(
            "{name} is not waited for any longer; Daytona goes on with it. How it is: stigmer snapshot show {name}"
        ));
        Exit::Signal(signal)
    }

    /// Says what happens: the log as it is on standard output, everything else on standard error.
    fn tell(&self, news: News, seen: &mut Snapshot, as_json: bool) -> stigmer_engine::Result<()> {
        match news {
            News::State(snapshot) => {
                if !snapshot.is_settled() {
                    self.output.note(Tone::Dim, format_args!("{}: {}", snapshot.name, snapshot.words()));
                }
                *seen = *snapshot;
            }
            News::Log(_) if as_json => {}
            News::Log(piece) => {
                let mut stdout = std::io::stdout().lock();
                let written = stdout.write_all(&piece).and_then(|()| stdout.flush());
                written.map_err(|source| Error::Output { source })?;
            }
        }
        Ok(())
    }
}

/// Why it is not ready, and what to do next.
fn not_ready(error: Error, seen: &Snapshot, how: &Follow) -> Failure {
    if error.code() != "daytona-state" {
        return error.into();
    }
    if seen.is_settled() || seen.state == "removing" {
        return unusable(seen);
    }
    let name = &seen.name;
    let message = format!("the snapshot `{name}` is not ready after {}: {}", time(how.timeout), seen.words());
    let hint = Some(format!("it goes on; how it is: stigmer snapshot show {name}"));
    Report { message, hint, ..Report::from(error) }.into()
}
