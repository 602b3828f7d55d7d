//! Where the container engine is: what the settings or the variables name, else the current context of the Docker
//! client, else the first socket that is usually there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::backend::hex;
use crate::error::{Error, Result};

/// What the settings say about the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// An address, and who named it.
    pub host: Option<(String, String)>,
    /// A context of the Docker client, and who named it.
    pub context: Option<(String, String)>,
    /// Whether a connection to another machine was asked to be encrypted.
    pub tls: bool,
    /// The folder of its certificates: `ca.pem`, `cert.pem`, `key.pem`. By default that of the Docker client.
    pub keys: Option<PathBuf>,
}

/// An engine's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// `unix://…`, `npipe://…`, `tcp://…`, `ssh://…`.
    pub uri: String,
    /// Why it was taken, for people.
    pub why: String,
    /// Where the certificates are for an encrypted connection.
    #[serde(default)]
    pub keys: Option<PathBuf>,
}

impl Address {
    /// One without certificates.
    pub(super) fn of(uri: String, why: String) -> Self {
        Self { uri, why, keys: None }
    }

    /// Whether the engine shares this machine's disk.
    pub fn is_local(&self) -> bool {
        self.uri.starts_with("unix://") || self.uri.starts_with("npipe://")
    }
}

/// Everything that is looked at besides the settings.
#[derive(Debug)]
pub(super) struct Around {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// The folder of the Docker client's own settings.
    pub docker_config: Option<PathBuf>,
    /// The folder of this user's sockets.
    pub runtime: Option<PathBuf>,
    /// The root of the file system.
    pub root: PathBuf,
}

impl Around {
    /// This process's.
    pub(super) fn own() -> Self {
        let given =
            |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
        let home = std::env::home_dir();
        Self {
            docker_config: given("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker"))),
            runtime: given("XDG_RUNTIME_DIR"),
            root: "/".into(),
            home,
        }
    }
}

/// Finds the engine.
pub(super) fn find(wish: &Wish, around: &Around) -> Result<Address> {
    if let Some((host, who)) = &wish.host {
        let found = address(host, format!("named by {who}"))?;
        let is_far = found.uri.starts_with("tcp://");
        let usual = || around.docker_config.clone();
        let keys = if wish.tls && is_far { wish.keys.clone().or_else(usual) } else { None };
        return Ok(Address { keys, ..found });
    }
    if let Some((context, who)) = &wish.context {
        return of_context(context, around, &format!("context `{context}`, named by {who}"));
    }
    if let Some(current) = current_context(around) {
        return of_context(&current, around, &format!("current context `{current}` of Docker"));
    }
    let found = sockets(around).into_iter().find(|(_, path)| path.exists());
    let (whose, path) = found.ok_or_else(|| Error::BackendUnavailable {
        backend: "Docker",
        why: "no Docker engine was found on this machine".to_owned(),
        hint: "install and start Docker (or Podman with its socket), or name its address with `sandbox.docker_host`",
    })?;
    Ok(Address::of(format!("unix://{}", path.display()), format!("the socket of {whose}")))
}

/// Sockets that engines usually have, the most likely first.
fn sockets(around: &Around) -> Vec<(&'static str, PathBuf)> {
    let root = |path: &str| Some(around.root.join(path));
    let home = |path: &str| around.home.as_ref().map(|home| home.join(path));
    let runtime = |path: &str| around.runtime.as_ref().map(|runtime| runtime.join(path));
    [
        ("Docker", root("var/run/docker.sock")),
        ("Docker", runtime("docker.sock")),
        ("Docker Desktop", home(".docker/run/docker.sock")),
        ("Docker Desktop", home(".docker/desktop/docker.sock")),
        ("OrbStack", home(".orbstack/run/docker.sock")),
        ("Colima", home(".colima/default/docker.sock")),
        ("Rancher Desktop", home(".rd/docker.sock")),
        ("Podman", runtime("podman/podman.sock")),
        ("Podman", root("run/podman/podman.sock")),
    ]
    .into_iter()
    .filter_map(|(whose, path)| Some((whose, path?)))
    .collect()
}

fn address(uri: &str, why: String) -> Result<Address> {
    let uri = if uri.starts_with('/') { format!("unix://{uri}") } else { uri.to_owned() };
    match uri.split_once("://") {
        Some(("ssh", rest)) if rest.contains(':') => Err(Error::BackendUnavailable {
            backend: "Docker",
            why: format!("`{uri}` ({why}) has a port, which this version cannot give to ssh"),
            hint: "name the host with its port in ~/.ssh/config, and write ssh://THAT-NAME",
        }),
        Some(("unix" | "npipe" | "tcp" | "http" | "ssh", rest)) if !rest.is_empty() => {
            Ok(Address::of(uri, why))
        }
        _ => Err(Error::BackendUnavailable {
            backend: "Docker",
            why: format!("`{uri}` ({why}) is no address of an engine"),
            hint: "write unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST",
        }),
    }
}

/// The context that the Docker client uses, unless that is its own default.
fn current_context(around: &Around) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Settings {
        current_context: Option<String>,
    }
    let text = std::fs::read(around.docker_config.as_ref()?.join("config.json")).ok()?;
    // A file that cannot be read is the Docker client's to complain about.
    let settings: Settings = serde_json::from_slice(&text).ok()?;
    settings.current_context.filter(|name| !name.is_empty() && name != "default")
}

fn of_context(name: &str, around: &Around, why: &str) -> Result<Address> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Context {
        endpoints: Endpoints,
    }
    #[derive(Deserialize)]
    struct Endpoints {
        docker: Endpoint,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Endpoint {
        host: String,
    }
    if name == "default" {
        return address("unix:///var/run/docker.sock", why.to_owned());
    }
    let unknown = |problem: &dyn std::fmt::Display| Error::BackendUnavailable {
        backend: "Docker",
        why: format!("the {why} cannot be read: {problem}"),
        hint: "see `docker context ls`, and choose one with `docker context use` or `sandbox.docker_context`",
    };
    let (contexts, id) = (
        around.docker_config.as_deref().unwrap_or(Path::new("")).join("contexts"),
        hex(&Sha256::digest(name)),
    );
    let file = contexts.join("meta").join(&id).join("meta.json");
    let text = std::fs::read(&file).map_err(|error| unknown(&error))?;
    let context: Context = serde_json::from_slice(&text).map_err(|error| unknown(&error))?;
    let found = address(&context.endpoints.docker.host, why.to_owned())?;
    let keys = contexts.join("tls").join(id).join("docker");
    Ok(Address { keys: keys.is_dir().then_some(keys), ..found })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn has(&self, path: &str, content: &str) -> &Self {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
            self
        }

        fn find(&self, wish: &Wish) -> Result<Address> {
            let root = self.0.path();
            let around = Around {
                home: Some(root.join("home")),
                docker_config: Some(root.join("home/.docker")),
                runtime: Some(root.join("run/user")),
                root: root.to_owned(),
            };
            find(wish, &around)
        }

        fn uri(&self, path: &str) -> String {
            format!("unix://{}", self.0.path().join(path).display())
        }
    }

    fn host(host: &str) -> Wish {
        Wish { host: Some((host.to_owned(), "DOCKER_HOST".to_owned())), ..Wish::default() }
    }

    #[test]
    fn without_an_engine_it_is_said_what_to_do() {
        let error = Machine::new().find(&Wish::default()).unwrap_err();
        assert_eq!((error.code(), error.hint().is_some()), ("backend-unavailable", true));
    }

    #[test]
    fn the_most_usual_socket_is_taken_and_named() {
        let machine = Machine::new();
        machine.has("run/user/podman/podman.sock", "").has("home/.colima/default/docker.sock", "");
        let found = machine.find(&Wish::default()).unwrap();
        assert_eq!(
            (found.uri, found.why.as_str()),
            (machine.uri("home/.colima/default/docker.sock"), "the socket of Colima")
        );
        machine.has("var/run/docker.sock", "");
        assert_eq!(machine.find(&Wish::default()).unwrap().uri, machine.uri("var/run/docker.sock"));
    }

    #[test]
    fn the_current_context_of_docker_wins_over_sockets_and_what_is_named_over_both() {
        let machine = Machine::new();
        machine.has("var/run/docker.sock", "").has("home/.docker/config.json", r#"{"currentContext":"far"}"#);
        let folder = format!("home/.docker/contexts/meta/{}", hex(&Sha256::digest("far")));
        machine.has(
            &format!("{folder}/meta.json"),
            r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2375"}}}"#,
        );
        let found = machine.find(&Wish::default()).unwrap();
        assert_eq!(
            (found.uri.as_str(), found.why.contains("`far`"), found.is_local()),
            ("tcp://far:2375", true, false)
        );
        let named =
            Wish { context: Some(("default".to_owned(), "the settings".to_owned())), ..Wish::default() };
        assert_eq!(machine.find(&named).unwrap().uri, "unix:///var/run/docker.sock");
        let found = machine.find(&host("unix:///mine.sock")).unwrap();
        assert_eq!((found.uri.as_str(), found.why.as_str()), ("unix:///mine.sock", "named by DOCKER_HOST"));
        assert_eq!(machine.find(&host("/mine.sock")).unwrap().uri, "unix:///mine.sock");
    }

    #[test]
    fn addresses_and_contexts_that_lead_nowhere_are_told() {
        let machine = Machine::new();
        machine.has("var/run/docker.sock", "");
        for bad in ["ssh://me@far:2222", "far:2375", "unix://", "gopher://x"] {
            assert_eq!(machine.find(&host(bad)).unwrap_err().code(), "backend-unavailable", "{bad}");
        }
        machine.has("home/.docker/config.json", r#"{"currentContext":"gone"}"#);
        assert!(machine.find(&Wish::default()).unwrap_err().to_string().contains("`gone`"));
        machine.has("home/.docker/config.json", "{ broken");
        assert!(machine.find(&Wish::default()).is_ok());
    }
}
