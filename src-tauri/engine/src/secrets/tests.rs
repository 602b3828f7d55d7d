//! The door over keychains that are locked, missing or fail on request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::*;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(30);

fn name(name: &str) -> SecretName {
    name.parse().unwrap()
}

/// A prompt that nobody answers until the test does.
#[derive(Default)]
struct Prompt {
    answered: Mutex<bool>,
    changed: Condvar,
}

impl Prompt {
    fn wait(&self) {
        let mut answered = self.answered.lock().unwrap();
        while !*answered {
            answered = self.changed.wait(answered).unwrap();
        }
    }

    fn answer(&self) {
        *self.answered.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

/// A keychain in memory, with what a test wants it to do.
#[derive(Default, Clone)]
struct Scripted {
    values: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    prompt: Option<Arc<Prompt>>,
    opened: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    /// Sessions opened before this many are dead.
    restarted: Arc<AtomicUsize>,
}

impl Scripted {
    fn secrets(&self, limit: Duration) -> Secrets {
        let script = self.clone();
        Secrets::of(
            move || {
                let session = script.opened.fetch_add(1, Ordering::SeqCst);
                Ok(Box::new(Opened { script: script.clone(), session }))
            },
            limit,
        )
    }
}

struct Opened {
    script: Scripted,
    session: usize,
}

impl Opened {
    fn enter(&self) -> keyring::Result<()> {
        self.script.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(prompt) = &self.script.prompt {
            prompt.wait();
        }
        if self.session < self.script.restarted.load(Ordering::SeqCst) {
            return Err(keyring::Error::PlatformFailure("no such session".into()));
        }
        Ok(())
    }
}

impl Keychain for Opened {
    fn set(&self, name: &str, value: &[u8]) -> keyring::Result<()> {
        self.enter()?;
        self.script.values.lock().unwrap().insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn get(&self, name: &str) -> keyring::Result<Vec<u8>> {
        self.enter()?;
        self.script.values.lock().unwrap().get(name).cloned().ok_or(keyring::Error::NoEntry)
    }

    fn remove(&self, name: &str) -> keyring::Result<()> {
        self.enter()?;
        self.script.values.lock().unwrap().remove(name).map(drop).ok_or(keyring::Error::NoEntry)
    }

    fn names(&self) -> keyring::Result<Vec<String>> {
        self.enter()?;
        Ok(self.script.values.lock().unwrap().keys().rev().cloned().collect())
    }

    fn check(&self) -> keyring::Result<()> {
        self.enter()
    }
}

#[tokio::test]
async fn a_secret_is_kept_listed_and_removed() {
    let script = Scripted::default();
    let secrets = script.secrets(LONG);
    assert_eq!(script.opened.load(Ordering::SeqCst), 0, "nothing is opened before the first call");
    let (one, two) = (name("ONE"), name("TWO"));
    secrets.set(&two, Secret::new("2").unwrap()).await.unwrap();
    secrets.set(&one, Secret::new("1").unwrap()).await.unwrap();
    secrets.set(&SecretName::DAYTONA_API_KEY, Secret::new("ours").unwrap()).await.unwrap();
    assert_eq!(secrets.get(&one).await.unwrap(), Secret::new("1").unwrap());
    assert_eq!(secrets.names().await.unwrap(), [one.clone(), two]);
    secrets.remove(&one).await.unwrap();
    assert_eq!(secrets.get(&one).await.unwrap_err().code(), "secret-not-found");
    assert_eq!(secrets.remove(&one).await.unwrap_err().code(), "secret-not-found");
    assert_eq!(script.opened.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_prompt_that_nobody_answers_is_a_locked_keychain() {
    let prompt = Arc::new(Prompt::default());
    let script = Scripted { prompt: Some(Arc::clone(&prompt)), ..Scripted::default() };
    let secrets = script.secrets(SHORT);
    assert_eq!(secrets.state().await, KeychainState::Locked);
    // Each further call asks anew, on a thread of its own …
    for _ in 1..4 {
        assert_eq!(secrets.get(&name("A")).await.unwrap_err().code(), "keychain-locked");
    }
    assert_eq!(script.asked.load(Ordering::SeqCst), 4);
    // … until there are too many of them, which is answered at once.
    assert_eq!(secrets.get(&name("A")).await.unwrap_err().code(), "keychain-locked");
    assert_eq!(script.asked.load(Ordering::SeqCst), 4);
    prompt.answer();
    let answered = async {
        while secrets.state().await != KeychainState::Ready {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, answered).await.unwrap();
}

#[tokio::test]
async fn a_call_that_gave_up_in_the_queue_is_not_carried_out_later() {
    let prompt = Arc::new(Prompt::default());
    let script = Scripted { prompt: Some(Arc::clone(&prompt)), ..Scripted::default() };
    let secrets = script.secrets(SHORT);
    let (first, second) = (name("FIRST"), name("SECOND"));
    let (one, two) = tokio::join!(
        secrets.set(&first, Secret::new("1").unwrap()),
        secrets.set(&second, Secret::new("2").unwrap()),
    );
    assert_eq!(one.unwrap_err().code(), "keychain-locked");
    assert_eq!(two.unwrap_err().code(), "keychain-locked");
    prompt.answer();
    let listed = async {
        while secrets.names().await.ok() != Some(vec![first.clone()]) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, listed).await.unwrap();
}

#[tokio::test]
async fn a_restarted_keychain_is_opened_again_without_a_word() {
    let script = Scripted::default();
    let secrets = script.secrets(LONG);
    secrets.set(&name("A"), Secret::new("1").unwrap()).await.unwrap();
    script.restarted.store(1, Ordering::SeqCst);
    assert_eq!(secrets.get(&name("A")).await.unwrap().expose(), "1");
    // Where a new session fails as well, that is the answer; and the next call tries anew.
    script.restarted.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(secrets.get(&name("A")).await.unwrap_err().code(), "keychain-absent");
    script.restarted.store(0, Ordering::SeqCst);
    assert_eq!(secrets.get(&name("A")).await.unwrap().expose(), "1");
}

#[tokio::test]
async fn a_keychain_that_was_missing_is_found_once_it_is_there() {
    let there = Arc::new(AtomicUsize::new(0));
    let script = Scripted::default();
    let secrets = Secrets::of(
        {
            let there = Arc::clone(&there);
            move || match there.load(Ordering::SeqCst) {
                0 => Err(keyring::Error::PlatformFailure("nobody".into())),
                _ => Ok(Box::new(Opened { script: script.clone(), session: 0 })),
            }
        },
        LONG,
    );
    assert_eq!(secrets.state().await, KeychainState::Absent { why: "nobody".to_owned() });
    assert_eq!(secrets.names().await.unwrap_err().code(), "keychain-absent");
    there.store(1, Ordering::SeqCst);
    assert_eq!(secrets.state().await, KeychainState::Ready);
}

#[tokio::test]
async fn a_panic_in_the_library_costs_one_call() {
    let calls = Arc::new(AtomicUsize::new(0));
    let script = Scripted::default();
    let secrets = Secrets::of(
        move || {
            assert!(calls.fetch_add(1, Ordering::SeqCst) > 0, "scripted");
            Ok(Box::new(Opened { script: script.clone(), session: 0 }))
        },
        LONG,
    );
    assert_eq!(secrets.names().await.unwrap_err().code(), "keychain-absent");
    assert_eq!(secrets.names().await.unwrap(), []);
}

#[tokio::test]
async fn what_another_program_filed_under_our_name_does_no_harm() {
    let script = Scripted::default();
    for (name, value) in [("not a name", &b"1"[..]), ("BINARY", b"\xff")] {
        script.values.lock().unwrap().insert(name.to_owned(), value.to_vec());
    }
    let secrets = script.secrets(LONG);
    assert_eq!(secrets.names().await.unwrap(), [name("BINARY")]);
    assert_eq!(secrets.get(&name("BINARY")).await.unwrap_err().code(), "conflict");
}

#[test]
fn failures_are_told_by_their_remedy_and_without_the_value() {
    let a = name("A");
    let code = |error| explain(Some(&a), error).code();
    assert_eq!(code(keyring::Error::NoEntry), "secret-not-found");
    assert_eq!(code(keyring::Error::NoStorageAccess("prompt dismissed".into())), "keychain-locked");
    assert_eq!(code(keyring::Error::PlatformFailure("no bus".into())), "keychain-absent");
    assert_eq!(code(keyring::Error::TooLong("secret".into(), 2560)), "invalid-spec");
    assert_eq!(code(keyring::Error::Ambiguous(Vec::new())), "conflict");
    let error = explain(Some(&a), keyring::Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into()));
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}
