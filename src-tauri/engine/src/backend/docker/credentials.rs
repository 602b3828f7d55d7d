//! What the Docker client knows to log in to registries with: its settings file and the helpers that it names.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::find::Around;

/// Longest time for a helper to answer.
const HELPER: Duration = Duration::from_secs(5);

/// The registry that images without one belong to, as settings name it.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What the settings file says.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    auths: std::collections::HashMap<String, Login>,
    creds_store: Option<String>,
    cred_helpers: std::collections::HashMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    auth: Option<String>,
    identitytoken: Option<String>,
}

/// The login for the registry of an image, if there is one. A helper that does not answer is none.
pub(super) async fn of(image: &str) -> Option<DockerCredentials> {
    let folder = Around::own().docker_config?;
    in_folder(&folder, registry(image)).await
}

async fn in_folder(folder: &Path, registry: &str) -> Option<DockerCredentials> {
    let settings: Settings = serde_json::from_slice(&std::fs::read(folder.join("config.json")).ok()?).ok()?;
    if let Some(helper) = settings.cred_helpers.get(registry).or(settings.creds_store.as_ref()) {
        return ask(helper, registry).await;
    }
    let login =
        settings.auths.get(registry).or_else(|| settings.auths.get(&format!("https://{registry}")))?;
    let mut credentials =
        DockerCredentials { serveraddress: Some(registry.to_owned()), ..DockerCredentials::default() };
    credentials.identitytoken = login.identitytoken.clone().filter(|token| !token.is_empty());
    if let Some(auth) = &login.auth {
        let text = String::from_utf8(BASE64_STANDARD.decode(auth).ok()?).ok()?;
        let (name, password) = text.split_once(':')?;
        (credentials.username, credentials.password) = (Some(name.to_owned()), Some(password.to_owned()));
    }
    Some(credentials)
}

/// Asks a helper program of the Docker client.
async fn ask(helper: &str, registry: &str) -> Option<DockerCredentials> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        username: String,
        secret: String,
    }
    let mut asked = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    asked.stdin.take()?.write_all(registry.as_bytes()).await.ok()?;
    let answer = timeout(HELPER, asked.wait_with_output()).await.ok()?.ok()?;
    let answer: Answer = serde_json::from_slice(&answer.stdout).ok()?;
    let mut credentials =
        DockerCredentials { serveraddress: Some(registry.to_owned()), ..DockerCredentials::default() };
    if answer.username == "<token>" {
        credentials.identitytoken = Some(answer.secret);
    } else {
        (credentials.username, credentials.password) = (Some(answer.username), Some(answer.secret));
    }
    Some(credentials)
}

/// The registry of an image, as the Docker client's settings name it.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => DOCKER_HUB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_its_registry_or_means_the_usual_one() {
        for (image, meant) in [
            ("debian", DOCKER_HUB),
            ("me/image:1", DOCKER_HUB),
            ("ghcr.io/me/image", "ghcr.io"),
            ("localhost/image", "localhost"),
            ("127.0.0.1:5000/image:1", "127.0.0.1:5000"),
        ] {
            assert_eq!(registry(image), meant);
        }
    }

    #[tokio::test]
    async fn logins_come_from_the_settings_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(in_folder(folder.path(), "r.example").await.is_none());
        let auth = BASE64_STANDARD.encode("alice:pass:word");
        let text = format!(r#"{{"auths":{{"r.example":{{"auth":"{auth}"}},"broken":{{"auth":"?"}}}}}}"#);
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let found = in_folder(folder.path(), "r.example").await.unwrap();
        assert_eq!(
            (found.username.as_deref(), found.password.as_deref()),
            (Some("alice"), Some("pass:word"))
        );
        assert!(in_folder(folder.path(), "other").await.is_none());
        assert!(in_folder(folder.path(), "broken").await.is_none());
    }
}
