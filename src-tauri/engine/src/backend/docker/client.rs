//! The connection to an engine, and its failures in our words.

use std::io;
use std::time::Duration;

use bollard::errors::Error as Failure;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::time::{Instant, sleep, timeout};

use super::find::Address;
use crate::backend::Reporter;
use crate::error::{Error, Result};

/// Longest time for an engine to say that it is there.
pub(super) const PING: Duration = Duration::from_secs(2);

/// Longest time that an engine which is starting is waited for.
const STARTING: Duration = Duration::from_secs(20);

/// Longest time for an answer to begin, in seconds. Streams that follow may take as long as they like.
const ANSWER: u64 = 120;

/// A connection to the engine at an address. Nothing is sent yet.
pub(super) fn connect(address: &Address) -> Result<Docker> {
    let connected = match address.uri.split_once("://") {
        Some(("tcp", _)) if let Some(keys) = &address.keys => Docker::connect_with_ssl(
            &address.uri,
            &keys.join("key.pem"),
            &keys.join("cert.pem"),
            &keys.join("ca.pem"),
            ANSWER,
            API_DEFAULT_VERSION,
        ),
        Some(("ssh", _)) => Docker::connect_with_ssh(&address.uri, ANSWER, API_DEFAULT_VERSION, None),
        Some(("unix", path)) => Docker::connect_with_socket(path, ANSWER, API_DEFAULT_VERSION),
        Some(("tcp" | "http", _)) => Docker::connect_with_http(&address.uri, ANSWER, API_DEFAULT_VERSION),
        _ => Docker::connect_with_host(&address.uri),
    };
    connected.map_err(|failure| unreachable(address, &failure))
}

/// Whether the engine is there. One that is still starting counts as absent.
pub(super) async fn ping(docker: &Docker, address: &Address) -> Result<()> {
    match timeout(PING, docker.ping()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(failure)) => Err(unreachable(address, &failure)),
        Err(_) => Err(silent(address)),
    }
}

/// The same, waiting for one that is still starting.
pub(super) async fn await_engine(docker: &Docker, address: &Address, reporter: &Reporter) -> Result<()> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        let (failure, patience) = match timeout(PING, docker.ping()).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(failure)) if is_starting(&failure) => (unreachable(address, &failure), STARTING),
            Ok(Err(failure)) if broke_off(&failure) => (unreachable(address, &failure), PING),
            Ok(Err(failure)) => return Err(unreachable(address, &failure)),
            Err(_) => (silent(address), STARTING),
        };
        if begun.elapsed() >= patience {
            return Err(failure);
        }
        if !std::mem::replace(&mut told, true) {
            reporter.step("wait for Docker").await;
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// An engine that has its door open already and says that it is not ready.
fn is_starting(failure: &Failure) -> bool {
    matches!(failure, Failure::DockerResponseServerError { status_code: 502..=504, .. })
}

/// A connection that was taken and then given up: what held the door open while the engine started or ended.
fn broke_off(failure: &Failure) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
    let nobody = matches!(io_kind(failure), Some(ConnectionRefused | NotFound | PermissionDenied));
    status(failure).is_none() && !nobody
}

fn silent(address: &Address) -> Error {
    Error::BackendUnavailable {
        backend: "Docker",
        why: format!("{} ({}) gives no answer within {} s", address.uri, address.why, PING.as_secs()),
        hint: "see whether it is still starting, or hangs: `docker info`",
    }
}

/// Why an engine cannot be reached.
pub(super) fn unreachable(address: &Address, failure: &Failure) -> Error {
    let kind = io_kind(failure);
    let hint = match kind {
        Some(io::ErrorKind::PermissionDenied) => {
            "add yourself to the group that may use it: `sudo usermod -aG docker $USER`, then log in again"
        }
        Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {
            "start Docker, or name another engine with `sandbox.docker_host`"
        }
        _ => "see whether Docker runs: `docker info`",
    };
    let why = match kind {
        Some(io::ErrorKind::PermissionDenied) => "you may not use it".to_owned(),
        Some(io::ErrorKind::ConnectionRefused) => "nobody answers there".to_owned(),
        Some(io::ErrorKind::NotFound) => "there is no such socket".to_owned(),
        _ => words(failure),
    };
    Error::BackendUnavailable {
        backend: "Docker",
        why: format!("{why}: {} ({})", address.uri, address.why),
        hint,
    }
}

/// Whether a failure means that the engine is not there any more.
pub(super) fn is_gone(failure: &Failure) -> bool {
    io_kind(failure).is_some()
}

fn io_kind(failure: &Failure) -> Option<io::ErrorKind> {
    if matches!(failure, Failure::SocketNotFoundError(_)) {
        return Some(io::ErrorKind::NotFound);
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(failure);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        source = error.source();
    }
    None
}

/// The status that the engine answered with, if it answered.
pub(super) fn status(failure: &Failure) -> Option<u16> {
    match failure {
        Failure::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// What the engine said, without what a library put around it.
pub(super) fn words(failure: &Failure) -> String {
    match failure {
        Failure::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Failure::DockerStreamError { error } => error.trim().to_owned(),
        Failure::RequestTimeoutError => "it gives no answer".to_owned(),
        other => {
            let mut text = other.to_string();
            let mut source = std::error::Error::source(other);
            while let Some(cause) = source {
                text = cause.to_string();
                source = cause.source();
            }
            text
        }
    }
}

/// What is said of a container that could not be made or started, named by what to do about it.
pub(super) fn refused(what: &str, image: &str, failure: &Failure) -> Error {
    let said = words(failure);
    let has = |part: &str| said.contains(part);
    if has("address already in use") || has("port is already allocated") {
        return Error::PortInUse { why: said };
    }
    if has("bind source path does not exist") || has("invalid mount config") {
        return Error::MountUnusable {
            what: said,
            hint: "check the folders of --mount and `sandbox.mounts`",
        };
    }
    if has("No such image") {
        return Error::ImageNotFound { image: image.to_owned() };
    }
    if has("no space left on device") {
        return Error::SandboxRefused {
            what: format!("{what}: {said}"),
            hint: "free space for Docker: `stigmer image prune`, `docker system df`",
        };
    }
    let hint = if has("network") && has("not found") {
        "see `docker network ls` for the networks that there are"
    } else if has("unable to find user") || has("no matching entries in passwd") {
        "name a user of the image, or UID:GID, with --user or `sandbox.user`"
    } else if has("exec format error") || has("does not match the specified platform") {
        "use an image for this machine's processor"
    } else if has("emory limit") || has("CPUs") {
        "choose another limit with --memory or --cpus"
    } else {
        "see what the engine says above; `stigmer doctor` checks it"
    };
    Error::SandboxRefused { what: format!("{what}: {said}"), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_says_of_a_container_becomes_the_error_that_says_what_to_do() {
        let code = |said: &str| {
            let failure = Failure::DockerResponseServerError { status_code: 500, message: said.to_owned() };
            let error = refused("a sandbox could not be made", "image:1", &failure);
            (error.code(), error.hint().unwrap_or_default())
        };
        for (said, wanted, hint) in [
            (
                "driver failed: Bind for 127.0.0.1:80 failed: port is already allocated",
                "port-in-use",
                "--port",
            ),
            (
                "invalid mount config for type \"bind\": bind source path does not exist: /x",
                "mount-unusable",
                "--mount",
            ),
            ("No such image: image:1", "image-not-found", "image pull"),
            ("write /var/lib/docker/x: no space left on device", "sandbox-refused", "free space"),
            ("network x not found", "sandbox-refused", "network ls"),
            ("unable to find user x: no matching entries in passwd file", "sandbox-refused", "--user"),
            ("exec format error", "sandbox-refused", "processor"),
            ("Minimum memory limit allowed is 6MB", "sandbox-refused", "--memory"),
            ("something else", "sandbox-refused", "doctor"),
        ] {
            let (code, said_hint) = code(said);
            assert_eq!(code, wanted, "{said}");
            assert!(said_hint.contains(hint), "{said}: {said_hint}");
        }
    }
}
