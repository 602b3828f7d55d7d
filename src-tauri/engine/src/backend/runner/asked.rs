//! What a runner was asked and may not have heard: held until it is known to have arrived, and asked again after a
//! connection broke.

use std::collections::VecDeque;

use stigmer_runner::protocol::{INPUT_CREDIT, MAX_INPUT};
use stigmer_runner::{Heard, Request, Signal, Size};

/// What was asked over all connections to one run.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Input that was sent and is not known to be taken. Never more than [`INPUT_CREDIT`].
    input: VecDeque<u8>,
    /// Bytes of input that are known to be taken, since the start of the run.
    taken: u64,
    end_of_input: bool,
    /// The stops, after those of an engine before this one.
    stops: Vec<(Signal, u32)>,
    stops_before: u32,
    size: Option<Size>,
}

impl Asked {
    /// Of a run that another engine started; and the credit for input that is left.
    pub(super) fn after(heard: &Heard) -> Option<(Self, usize)> {
        let waiting = usize::try_from(heard.input.checked_sub(heard.taken)?).ok()?;
        let credit = INPUT_CREDIT.checked_sub(waiting)?;
        let asked = Self {
            // What waits there need not be asked again, and its content is not looked at.
            input: std::iter::repeat_n(0, waiting).collect(),
            taken: heard.taken,
            end_of_input: heard.end_of_input,
            stops_before: heard.stops,
            ..Self::default()
        };
        Some((asked, credit))
    }

    /// Notes what is asked.
    pub(super) fn note(&mut self, request: &Request) {
        match request {
            Request::Input(bytes) => self.input.extend(bytes),
            Request::EndInput => self.end_of_input = true,
            Request::Stop { signal, grace_ms } => self.stops.push((*signal, *grace_ms)),
            Request::Resize(size) => self.size = Some(*size),
            _ => {}
        }
    }

    /// Input was taken, which need not be held any longer.
    pub(super) fn taken(&mut self, bytes: u32) {
        self.taken += u64::from(bytes);
        self.input.drain(..self.input.len().min(bytes as usize));
    }

    /// What to ask again after this much was heard, and how much more input was taken than was known. `None` for what
    /// cannot have been heard.
    pub(super) fn again(&mut self, heard: &Heard) -> Option<(Vec<Request>, u32)> {
        let more = u32::try_from(heard.taken.checked_sub(self.taken)?).ok()?;
        let arrived = usize::try_from(heard.input.checked_sub(self.taken)?).ok()?;
        let stops = usize::try_from(heard.stops.checked_sub(self.stops_before)?).ok()?;
        if heard.taken > heard.input || arrived > self.input.len() || stops > self.stops.len() {
            return None;
        }
        let rest: Vec<u8> = self.input.range(arrived..).copied().collect();
        self.taken(more);
        let mut again: Vec<_> = self.size.map(Request::Resize).into_iter().collect();
        again.extend(rest.chunks(MAX_INPUT).map(|piece| Request::Input(piece.to_vec())));
        again.extend((self.end_of_input && !heard.end_of_input).then_some(Request::EndInput));
        let stops = self.stops[stops..].iter();
        again.extend(stops.map(|&(signal, grace_ms)| Request::Stop { signal, grace_ms }));
        Some((again, more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(input: u64, taken: u64) -> Heard {
        Heard { input, taken, ..Heard::default() }
    }

    #[test]
    fn what_did_not_arrive_is_asked_again_and_nothing_else() {
        let mut asked = Asked::default();
        let stop = Request::Stop { signal: Signal::Interrupt, grace_ms: 7 };
        for request in [Request::Input(b"abc".into()), Request::Input(b"defg".into()), Request::EndInput] {
            asked.note(&request);
        }
        asked.note(&stop);
        asked.taken(2);
        let (again, more) = asked.again(&heard(5, 3)).unwrap();
        assert_eq!((again, more), (vec![Request::Input(b"fg".into()), Request::EndInput, stop], 1));
        let all = Heard { end_of_input: true, stops: 1, ..heard(7, 7) };
        assert_eq!(asked.again(&all), Some((vec![], 4)));
        assert_eq!(asked.again(&all), Some((vec![], 0)));
    }

    #[test]
    fn what_cannot_have_been_heard_is_none() {
        let mut asked = Asked::default();
        asked.note(&Request::Input(b"abc".into()));
        for wrong in [heard(4, 0), heard(1, 2), Heard { stops: 1, ..heard(3, 3) }] {
            assert_eq!(asked.again(&wrong), None, "{wrong:?}");
        }
        asked.taken(2);
        assert_eq!(asked.again(&heard(1, 1)), None, "less than was told before");
    }

    #[test]
    fn an_engine_that_comes_later_sends_what_it_has_itself() {
        let (mut asked, credit) = Asked::after(&Heard { stops: 2, ..heard(10, 4) }).unwrap();
        assert_eq!(credit, INPUT_CREDIT - 6);
        asked.note(&Request::Input(b"new".into()));
        let (again, more) = asked.again(&Heard { stops: 2, ..heard(11, 10) }).unwrap();
        assert_eq!((again, more), (vec![Request::Input(b"ew".into())], 6));
    }
}
