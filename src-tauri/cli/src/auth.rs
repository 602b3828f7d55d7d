//! `stigmer auth`: the key for Daytona. It comes from a hidden prompt, standard input or the settings file, never from
//! the command line, and nothing here prints it.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stigmer_engine::backend::daytona::Account;
use stigmer_engine::cloud::{self, Access, Kept, KeySource, NEEDED};
use stigmer_engine::config::{self, Config, Sources};
use stigmer_engine::secrets::{KeychainState, Secret, SecretName, Secrets};
use stigmer_engine::{Error, Report};

use crate::args::{AuthCommand, Login};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone, answer};

const SETTING: &str = "daytona.api_key";

/// Longest time that a person has to unlock the keychain.
const UNLOCKING: Duration = Duration::from_mins(1);

/// Carries out `stigmer auth`.
pub(crate) async fn auth(command: AuthCommand, sources: &Sources, output: &Output) -> Result<Exit, Failure> {
    match command {
        AuthCommand::Login(options) => login(&options, sources, output).await,
        AuthCommand::Status { no_test, json } => status(no_test, json, sources, output).await,
        AuthCommand::Logout => logout(sources, output).await,
    }
}

async fn login(options: &Login, sources: &Sources, output: &Output) -> Result<Exit, Failure> {
    let config = Config::load(sources)?;
    let secrets = Secrets::new();
    // Nobody should look for a key that cannot be kept.
    there_is_a_keychain(&secrets).await?;
    let key = if options.from_config { of_file(sources)? } else { asked()? };
    if options.no_test {
        output.note(Tone::Dim, "not tested");
    } else {
        let access = cloud::check(&Account::of(&config), &key).await.map_err(not_kept)?;
        tell(&access, output);
    }
    keep(&secrets, &key, output).await?;
    output.note(Tone::Good, "the key is in the keychain");
    if options.from_config {
        let file = sources.user.path();
        config::unset(file, SETTING)?;
        output.note(Tone::Dim, format_args!("{SETTING} is removed from {}", file.display()));
    } else if let config::Origin::File { path, .. } = config.origin(SETTING) {
        output.warning(format_args!(
            "{} has a key, too, which is not used now; `stigmer config unset {SETTING}` removes it",
            path.display()
        ));
    }
    Ok(Exit::Success)
}

/// Sees to it that there is a keychain. A locked one asks its owner when it is written to.
async fn there_is_a_keychain(secrets: &Secrets) -> Result<(), Failure> {
    match secrets.state().await {
        KeychainState::Ready | KeychainState::Locked => Ok(()),
        KeychainState::Absent { why } => Err(without_keychain(Error::KeychainAbsent { why })),
    }
}

/// Writes the key into the keychain; where somebody sits there who can unlock it, that is waited for.
async fn keep(secrets: &Secrets, key: &Secret, output: &Output) -> Result<(), Failure> {
    let since = Instant::now();
    let mut told = false;
    loop {
        match secrets.set(&SecretName::DAYTONA_API_KEY, key.clone()).await {
            Err(Error::KeychainLocked) if std::io::stderr().is_terminal() && since.elapsed() < UNLOCKING => {
                if !std::mem::replace(&mut told, true) {
                    output.warning("the keychain is locked: unlock it, it may have opened a window for that");
                }
                // An answer can come at once, too.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            kept => return kept.map_err(without_keychain),
        }
    }
}

/// A failure of the keychain, with what to do about the key.
fn without_keychain(error: Error) -> Failure {
    let hint = match &error {
        Error::KeychainAbsent { .. } => {
            "start a Secret Service such as gnome-keyring, or set the variable DAYTONA_API_KEY instead"
        }
        Error::KeychainLocked => "unlock the keychain of your desktop, then repeat it",
        _ => return error.into(),
    };
    Report { hint: Some(hint.to_owned()), ..Report::from(error) }.into()
}

/// A key that was tested and not kept.
fn not_kept(error: Error) -> Failure {
    let mut report = Report::from(error);
    report.message.push_str("; the key was not kept");
    if report.code == "daytona-unreachable" {
        report.hint =
            Some("look at the network, or keep it untested: stigmer auth login --no-test".to_owned());
    }
    report.into()
}

/// The key as somebody types or pipes it.
fn asked() -> Result<Secret, Failure> {
    if std::io::stdin().is_terminal() {
        // Where there is no key yet this is where one comes from. A closed standard error has nobody to tell.
        let _ = writeln!(std::io::stderr(), "Make a key at https://app.daytona.io/dashboard/keys");
    }
    trimmed(&crate::secret::value("Key for Daytona: ")?)
}

/// The key of the user's settings file, whatever the environment says.
fn of_file(sources: &Sources) -> Result<Secret, Failure> {
    let file = Sources {
        user: sources.user.clone(),
        workspace: None,
        environment: config::Environment::default(),
        options: Vec::new(),
    };
    let config = Config::load(&file)?;
    match config.secret(SETTING) {
        Some(key) => trimmed(&Secret::new(key.expose())?),
        None => Err(Failure::usage(
            format!("{} has no {SETTING}", sources.user.path().display()),
            "enter the key: stigmer auth login",
        )),
    }
}

/// White space around a key is not part of it, and none is in it.
fn trimmed(key: &Secret) -> Result<Secret, Failure> {
    let text = key.expose().trim();
    if text.is_empty() || text.contains(char::is_whitespace) || text.contains(char::is_control) {
        return Err(Failure::usage("this is no key", "a key is one word, such as dtn_…"));
    }
    Ok(Secret::new(text)?)
}

/// What the key may do, and what it lacks.
fn tell(access: &Access, output: &Output) {
    let name =
        if access.name.is_empty() { "the key".to_owned() } else { format!("the key `{}`", access.name) };
    output.note(Tone::Good, format_args!("{name} works"));
    if access.lacks.is_empty() {
        output.note(Tone::Dim, format_args!("it may do all that is needed: {}", NEEDED.join(", ")));
    } else {
        output.warning(lacking(access));
    }
}

fn lacking(access: &Access) -> String {
    format!(
        "the key lacks {}; what needs that will be refused. Give it at https://app.daytona.io/dashboard/keys",
        access.lacks.join(", ")
    )
}

async fn status(no_test: bool, as_json: bool, sources: &Sources, output: &Output) -> Result<Exit, Failure> {
    let config = Config::load(sources)?;
    let account = Account::of(&config);
    let kept = cloud::find(&Secrets::new(), &config).await.map_err(without_keychain)?;
    let Some(kept) = kept else {
        if as_json {
            answer(&json!({ "has_key": false }).to_string())?;
        } else {
            answer("no key: make one at https://app.daytona.io/dashboard/keys, then: stigmer auth login")?;
        }
        return Ok(Exit::No);
    };
    let access =
        if no_test { None } else { Some(cloud::check(&account, &kept.key).await.map_err(Report::from)) };
    let works = access.as_ref().is_none_or(Result::is_ok);
    if as_json {
        answer(&line(&kept, &account, access.as_ref()).to_string())?;
    } else {
        answer(&facts(&kept, &account, access.as_ref(), output))?;
        match &access {
            Some(Err(report)) => output.report(report),
            Some(Ok(access)) if !access.lacks.is_empty() => output.warning(lacking(access)),
            _ => {}
        }
    }
    Ok(if works { Exit::Success } else { Exit::No })
}

fn line(kept: &Kept, account: &Account, access: Option<&Result<Access, Report>>) -> Value {
    let mut line = json!({
        "has_key": true,
        "source": source(&kept.source).0,
        "key": cloud::masked(&kept.key),
        "api_url": address(account),
        "works": access.map(Result::is_ok),
    });
    match access {
        Some(Ok(access)) => line["access"] = json!(access),
        Some(Err(report)) => line["error"] = json!(report),
        None => {}
    }
    line
}

fn facts(kept: &Kept, account: &Account, access: Option<&Result<Access, Report>>, output: &Output) -> String {
    let mut facts = vec![
        ("key", cloud::masked(&kept.key)),
        ("from", source(&kept.source).1),
        ("keychain", kept.keychain.clone().unwrap_or_default()),
        ("address", address(account).to_owned()),
    ];
    match access {
        None => facts.push(("works", "not tested".to_owned())),
        Some(Err(report)) => facts.push(("works", format!("no [{}]", report.code))),
        Some(Ok(access)) => facts.extend([
            ("works", "yes".to_owned()),
            ("name", access.name.clone()),
            ("of", access.organization.clone().unwrap_or_default()),
            ("may", access.permissions.join(", ")),
            ("lacks", access.lacks.join(", ")),
            ("until", access.expires.map(|until| until.to_string()).unwrap_or_default()),
        ]),
    }
    facts.retain(|(_, value)| !value.is_empty());
    let line = |(name, value): &(&str, String)| {
        format!("{} {value}", output.paint(Tone::Dim, format_args!("{name:9}")))
    };
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Where a key comes from: a word for programs, and words for people.
fn source(source: &KeySource) -> (&'static str, String) {
    match source {
        KeySource::Keychain => ("keychain", "the keychain".to_owned()),
        KeySource::Settings(origin @ config::Origin::File { .. }) => ("file", origin.to_string()),
        KeySource::Settings(origin) => ("environment", origin.to_string()),
    }
}

fn address(account: &Account) -> &str {
    account.api_url.as_deref().unwrap_or("https://app.daytona.io/api")
}

async fn logout(sources: &Sources, output: &Output) -> Result<Exit, Failure> {
    match Secrets::new().remove(&SecretName::DAYTONA_API_KEY).await {
        Ok(()) => output.note(Tone::Dim, "the key is removed from the keychain"),
        Err(Error::SecretNotFound { .. }) => output.note(Tone::Dim, "the keychain had no key"),
        Err(error) => return Err(without_keychain(error)),
    }
    // What is wrong with the settings does not keep anybody from leaving.
    if let Ok(config) = Config::load(sources)
        && config.secret(SETTING).is_some()
    {
        output.warning(format_args!("there is still a key in {}, which runs use", config.origin(SETTING)));
    }
    Ok(Exit::Success)
}
