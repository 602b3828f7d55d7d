//! Seeing a snapshot through: its states as words, the log of its build as it comes.

use std::io::Write as _;

use serde_json::json;
use stigmer_engine::Report;
use stigmer_engine::snapshot::{News, Snapshot};

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
            signal = signals.stop() => {
                self.output.warning(format_args!(
                    "{name} is not waited for any longer; Daytona goes on with it. How it is: stigmer snapshot show {name}"
                ));
                return Ok(Exit::Signal(signal));
            }
        };
        match followed {
            Ok(done) if how.json => answer(&json!(done).to_string())?,
            Ok(done) => {
                self.output.note(Tone::Good, format_args!("{name} is {}", done.words()));
                self.output.note(Tone::Dim, format_args!("next: {}", done.next_step()));
            }
            Err(_) if seen.is_settled() || seen.state == "removing" => return Err(unusable(&seen)),
            Err(error) => {
                let mut report = Report::from(error);
                if report.code == "daytona-state" {
                    let waited = time(how.timeout);
                    report.message =
                        format!("the snapshot `{name}` is not ready after {waited}: {}", seen.words());
                    report.hint = Some(format!("it goes on; how it is: stigmer snapshot show {name}"));
                }
                return Err(report.into());
            }
        }
        Ok(Exit::Success)
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
                written.map_err(|source| stigmer_engine::Error::Output { source })?;
            }
        }
        Ok(())
    }
}
