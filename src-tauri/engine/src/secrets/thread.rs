//! The one thread that talks to the keychain, with a limit on every answer.
//!
//! The thread starts with the first question. One that is not answered in time gives its thread up: it is
//! left to itself and the next question gets another. Invariant: no thread is ever joined, and at most
//! [`MOST_HUNG`] are left hanging.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::platform::Keychain;
use crate::error::{Error, Result};

/// Threads left hanging at once. With so many prompts unanswered another one would not help.
const MOST_HUNG: usize = 4;

type Open = dyn Fn() -> keyring::Result<Box<dyn Keychain>> + Send + Sync;
type Question = Box<dyn FnOnce(&mut Session) + Send>;

/// Asks the keychain, one question after the other.
pub(super) struct KeychainThread {
    open: Arc<Open>,
    limit: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// Counts threads, so that a late caller does not give up the successor of the one it asked.
    started: u64,
    hung: Vec<JoinHandle<()>>,
}

struct Running {
    number: u64,
    questions: mpsc::Sender<Question>,
    handle: JoinHandle<()>,
}

impl KeychainThread {
    /// Starts nothing yet. `open` runs on the thread, before the first question and after a failure.
    pub(super) fn new(
        open: impl Fn() -> keyring::Result<Box<dyn Keychain>> + Send + Sync + 'static,
        limit: Duration,
    ) -> Self {
        Self { open: Arc::new(open), limit, state: Mutex::default() }
    }

    /// Asks `question` and waits for the answer no longer than the limit, including the time it is queued.
    /// The outer error is [`Error::KeychainLocked`] if there was no answer in time.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl Fn(&dyn Keychain) -> keyring::Result<T> + Send + 'static,
    ) -> Result<keyring::Result<T>> {
        let (answer, answered) = oneshot::channel();
        let asked = self.send(Box::new(move |session| {
            // Nobody waits for what was still queued when its caller gave up; carrying it out then would
            // surprise, a prompt above all.
            if !answer.is_closed() {
                let _ = answer.send(session.answer(&question));
            }
        }))?;
        match tokio::time::timeout(self.limit, answered).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => {
                self.give_up(asked);
                Err(Error::KeychainAbsent { why: "the keychain's library failed".to_owned() })
            }
            Err(_) => {
                self.give_up(asked);
                tracing::warn!("the keychain did not answer in time");
                Err(Error::KeychainLocked)
            }
        }
    }

    /// Queues a question and tells which thread it went to.
    fn send(&self, question: Question) -> Result<u64> {
        let mut state = self.state();
        state.hung.retain(|thread| !thread.is_finished());
        if state.hung.len() >= MOST_HUNG {
            return Err(Error::KeychainLocked);
        }
        if state.running.as_ref().is_none_or(|running| running.handle.is_finished()) {
            state.started += 1;
            state.running = Some(self.start(state.started)?);
        }
        let Some(running) = &state.running else { return Err(Error::KeychainLocked) };
        // A thread that ended since is found out by its caller: the question is dropped, and its answer.
        let _ = running.questions.send(question);
        Ok(running.number)
    }

    fn start(&self, number: u64) -> Result<Running> {
        let (questions, queue) = mpsc::channel::<Question>();
        let open = Arc::clone(&self.open);
        let handle = Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                let mut session = Session { open, keychain: None };
                for question in queue {
                    question(&mut session);
                }
            })
            .map_err(|error| Error::KeychainAbsent { why: format!("no thread for it: {error}") })?;
        Ok(Running { number, questions, handle })
    }

    fn give_up(&self, number: u64) {
        let mut state = self.state();
        if let Some(running) = state.running.take_if(|running| running.number == number) {
            state.hung.push(running.handle);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeychainThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeychainThread").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// What the thread keeps between questions.
struct Session {
    open: Arc<Open>,
    keychain: Option<Box<dyn Keychain>>,
}

impl Session {
    /// Asks the open keychain, or opens one. The keychain may have been restarted since the last question,
    /// which ends our session with it: a failure of an old one is not believed before a new one fails too.
    fn answer<T>(&mut self, question: &dyn Fn(&dyn Keychain) -> keyring::Result<T>) -> keyring::Result<T> {
        if let Some(keychain) = self.keychain.take() {
            let answer = question(&*keychain);
            if !matches!(answer, Err(keyring::Error::PlatformFailure(_))) {
                self.keychain = Some(keychain);
                return answer;
            }
        }
        let keychain = (self.open)()?;
        let answer = question(&*keychain);
        if !matches!(answer, Err(keyring::Error::PlatformFailure(_))) {
            self.keychain = Some(keychain);
        }
        answer
    }
}
