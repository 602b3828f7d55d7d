//! The key for Daytona. It comes in once, to be tested and kept; no answer and no log has it.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use stigmer_engine::backend::daytona::Account;
use stigmer_engine::cloud::{self, Access};
use stigmer_engine::config::{Config, Sources};
use stigmer_engine::engine::Engine;
use stigmer_engine::secrets::{KeychainState, Secret, SecretName};
use stigmer_engine::{Error, Report};
use utoipa::{IntoParams, ToSchema};

use crate::api::{Shared, blocking};
use crate::form::cloud::{AccessForm, Key, Keychain, KeychainWord, Source};
use crate::problem::{Problem, Refusal};
use crate::routes::Routes;
use crate::take::{InPrivateBody, InQuery};

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_state, state).with(__path_keep, keep).with(__path_forget, forget)
}

/// Whether to ask Daytona.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Testing {
    /// Asks Daytona whether the key works, too.
    #[serde(default)]
    test: bool,
}

/// Which key runs use, and where it comes from. Never the key.
#[utoipa::path(get, path = "/api/v1/daytona/key", tag = "daytona", params(Testing),
    responses((status = 200, body = Key), Refusal))]
async fn state(
    State(engine): State<Engine>,
    InQuery(Testing { test }): InQuery<Testing>,
) -> Result<Json<Key>, Refusal> {
    let config = settings(&engine).await?;
    let account = Account::of(&config);
    // One after the other: the keychain answers on a thread of its own, and a locked one takes its time each time.
    let found = cloud::find(engine.secrets(), &config).await;
    let keychain = match &found {
        Err(Error::KeychainLocked) => KeychainState::Locked,
        _ => engine.secrets().state().await,
    };
    let mut key = Key { api_url: address(&account), keychain: keychain.into(), ..Key::default() };
    match found {
        Ok(Some(kept)) => {
            let (source, from) = Source::of(&kept.source);
            key = Key { has_key: true, source, from, key: Some(cloud::masked(&kept.key)), ..key };
            if test {
                match cloud::check(&account, &kept.key).await {
                    Ok(access) => key.access = Some(access),
                    Err(error) => key.error = Some(error.into()),
                }
            }
        }
        // The keychain says why.
        Ok(None) | Err(Error::KeychainLocked | Error::KeychainAbsent { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Json(key))
}

/// A key to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// The key.
    #[schema(format = Password, min_length = 1)]
    key: String,
}

/// Asks Daytona what a key may do, and keeps it in the keychain if it works. What is kept already stays otherwise.
#[utoipa::path(put, path = "/api/v1/daytona/key", tag = "daytona", request_body = NewKey,
    responses((status = 200, body = AccessForm), Refusal))]
async fn keep(
    State(engine): State<Engine>,
    InPrivateBody(NewKey { key }): InPrivateBody<NewKey>,
) -> Result<Json<Access>, Refusal> {
    let key = trimmed(key)?;
    // Nobody should be told that a key works which cannot be kept. A locked keychain asks its owner when it is written to.
    if let KeychainState::Absent { why } = engine.secrets().state().await {
        return Err(without_keychain(Error::KeychainAbsent { why }));
    }
    let account = Account::of(&settings(&engine).await?);
    let access = cloud::check(&account, &key).await.map_err(|error| {
        let mut report = Report::from(error);
        report.message.push_str("; the key was not kept");
        Refusal(report)
    })?;
    engine.secrets().set(&SecretName::DAYTONA_API_KEY, key).await.map_err(without_keychain)?;
    Ok(Json(access))
}

/// Removes the key from the keychain. One of a file or of the environment stays.
#[utoipa::path(delete, path = "/api/v1/daytona/key", tag = "daytona",
    responses((status = 204), Refusal))]
async fn forget(State(engine): State<Engine>) -> Result<StatusCode, Refusal> {
    match engine.secrets().remove(&SecretName::DAYTONA_API_KEY).await {
        Ok(()) | Err(Error::SecretNotFound { .. }) => Ok(StatusCode::NO_CONTENT),
        Err(error) => Err(without_keychain(error)),
    }
}

/// The settings of the user and the environment: a key belongs to no project.
async fn settings(engine: &Engine) -> Result<Config, Refusal> {
    let sources = Sources { workspace: None, ..engine.sources().clone() };
    blocking(move || Config::load(&sources)).await
}

fn address(account: &Account) -> String {
    account.api_url.clone().unwrap_or_else(|| "https://app.daytona.io/api".to_owned())
}

/// White space around a key is not part of it, and none is in it.
fn trimmed(key: String) -> Result<Secret, Refusal> {
    let key = Secret::new(key)?;
    let text = key.expose().trim();
    if text.is_empty() || text.contains(char::is_whitespace) || text.contains(char::is_control) {
        let what = "this is no key".to_owned();
        return Err(Problem::Invalid { what, hint: "a key is one word, such as dtn_…" }.into());
    }
    Ok(Secret::new(text)?)
}

/// A failure of the keychain, with what to do about the key.
fn without_keychain(error: Error) -> Refusal {
    let hint = match error {
        Error::KeychainAbsent { .. } => {
            "start a Secret Service such as gnome-keyring, or set the variable DAYTONA_API_KEY before Stigmer starts"
        }
        Error::KeychainLocked => {
            "unlock the keychain of your desktop, which may have opened a window for that, and save the key again"
        }
        error => return error.into(),
    };
    Refusal(Report { hint: Some(hint.to_owned()), ..error.into() })
}

impl From<KeychainState> for Keychain {
    fn from(state: KeychainState) -> Self {
        match state {
            KeychainState::Ready => Self { state: KeychainWord::Ready, why: None },
            KeychainState::Locked => Self { state: KeychainWord::Locked, why: None },
            KeychainState::Absent { why } => Self { state: KeychainWord::Absent, why: Some(why) },
        }
    }
}
