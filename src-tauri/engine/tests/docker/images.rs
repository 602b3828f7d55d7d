//! Images: fetched and sent, listed and removed.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};

use stigmer_engine::engine::Engine;
use stigmer_engine::error::Report;
use stigmer_engine::home::Home;
use stigmer_engine::spec::{ImageTask, RunSpec, Sandbox, Work};
use stigmer_engine::state::Outcome;

use tokio::io::AsyncReadExt as _;

use crate::common::{Child, MARKER, Marker, process, until, within};
use crate::desk::{happenings, outcome};
use crate::docker::docker;
use crate::yard::{TINY, Yard, facts, ran, refused, succeeds};

const HOME: &str = "STIGMER_TEST_HOME";
const IMAGE: &str = "STIGMER_TEST_IMAGE";

pub(crate) fn task(yard: &Yard, task: ImageTask) -> RunSpec {
    RunSpec::new(Work::Image { task }, &yard.workspace)
}

fn pull(yard: &Yard, image: &str) -> RunSpec {
    task(yard, ImageTask::Pull { image: image.to_owned() })
}

fn push(yard: &Yard, image: &str) -> RunSpec {
    task(yard, ImageTask::Push { image: image.to_owned() })
}

/// A registry on this machine that goes with its test.
struct Registry {
    process: Process,
    port: u16,
}

impl Registry {
    /// `None` where there is none to be had, which is said.
    async fn start(login: bool) -> Option<Self> {
        let is_installed = Command::new("docker-registry").arg("--version").stdout(Stdio::null()).status();
        if is_installed.is_err() {
            assert!(std::env::var_os("STIGMER_TEST_REQUIRE_ALL").is_none(), "docker-registry is missing");
            std::io::stderr().write_all(b"SKIPPED: registries: docker-registry not found\n").unwrap();
            return None;
        }
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/engine.sh"));
        command.arg("registry").arg(port.to_string()).args(login.then_some("htpasswd"));
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let registry = Self { process, port };
        until("it listens", || TcpStream::connect(("127.0.0.1", port)).ok()).await;
        Some(registry)
    }

    /// A name of an image in it.
    fn named(&self, yard: &Yard) -> String {
        format!("127.0.0.1:{}/stigmer-test/{}:1", self.port, yard.marker.name())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_goes_to_its_registry_and_comes_back_with_its_layers_told() {
    let yard = Yard::new();
    let Some(registry) = Registry::start(false).await else { return };
    let engine = yard.open().await;
    let image = registry.named(&yard);
    docker(&["tag", "stigmer-test/debian", &image]);
    let (record, said) = succeeds(&engine, push(&yard, &image)).await;
    assert!(said.contains("layer 1: Pushed\n") && said.contains("digest: sha256:"), "{said}");
    assert!(happenings(&engine, record.id).contains(&"progress"));
    docker(&["rmi", &image]);
    // Its layers are still here under another name; a registry has nothing to send then.
    let (_, said) = succeeds(&engine, pull(&yard, &image)).await;
    assert!(said.contains("Already exists") || said.contains("Status: "), "{said}");
    let digest = docker(&["image", "inspect", "--format", "{{index .RepoDigests 0}}", &image]);
    docker(&["rmi", &image]);
    // A run fetches what it lacks, once it may.
    let mut spec = yard.line("true");
    spec.target.sandbox = Sandbox { image: Some(image.clone()), ..Sandbox::default() };
    assert_eq!(refused(&engine, spec.clone()).await.code, "image-not-found");
    yard.set(&format!("image: '{TINY}', auto_pull: true"));
    let (record, _) = succeeds(&engine, spec).await;
    assert!(
        facts(&record)
            .digest
            .as_deref()
            .is_some_and(|found| found.ends_with(digest.split_once('@').unwrap().1))
    );
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    assert!(told.contains(&format!("pull {image}")), "{told}");
    docker(&["rmi", "--force", &image]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_registry_refuses_is_told_with_what_to_do() {
    let yard = Yard::with("auto_pull: true");
    let Some(registry) = Registry::start(false).await else { return };
    let Some(locked) = Registry::start(true).await else { return };
    let engine = yard.open().await;
    let told = |error: Report, code: &str, hint: &str| {
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.hint.as_ref().is_some_and(|found| found.contains(hint)), "{hint} {error:?}");
    };
    let missing = registry.named(&yard);
    told(refused(&engine, pull(&yard, &missing)).await, "registry", "check name and tag");
    told(refused(&engine, push(&yard, &missing)).await, "image-not-found", "");
    let mut spec = yard.line("true");
    spec.target.sandbox.image = Some(missing.clone());
    told(refused(&engine, spec).await, "registry", "check name and tag");
    let private = locked.named(&yard);
    docker(&["tag", TINY, &private]);
    told(refused(&engine, push(&yard, &private)).await, "registry", "docker login");
    docker(&["rmi", &private]);
    told(refused(&engine, pull(&yard, &private)).await, "registry", "docker login");
    let nobody = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    told(refused(&engine, pull(&yard, &format!("{nobody}/image:1"))).await, "registry", "network");
    told(refused(&engine, pull(&yard, "no.such.registry.invalid/image:1")).await, "registry", "");
    for wrong in ["UPPER/Case", "a b", "-x", ":", "a:b:c", ""] {
        told(refused(&engine, pull(&yard, wrong)).await, "invalid-spec", "");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_has_a_login() {
    let Some(home) = std::env::var_os(HOME) else { return };
    let yard = Yard::at(Home::at(home), Marker::named(std::env::var(MARKER).unwrap()));
    let image = std::env::var(IMAGE).unwrap();
    let engine = yard.open().await;
    succeeds(&engine, push(&yard, &image)).await;
    docker(&["rmi", &image]);
    succeeds(&engine, pull(&yard, &image)).await;
    println!("DONE .");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logins_of_the_docker_client_are_used() {
    let yard = Yard::new();
    let Some(registry) = Registry::start(true).await else { return };
    let image = registry.named(&yard);
    docker(&["tag", TINY, &image]);
    // base64 of alice:pw
    let text = format!(r#"{{"auths":{{"127.0.0.1:{}":{{"auth":"YWxpY2U6cHc="}}}}}}"#, registry.port);
    std::fs::write(yard.workspace.join("config.json"), text).unwrap();
    let mut child = process("images::child_has_a_login");
    child.env(HOME, yard.home.root()).env(MARKER, yard.marker.name()).env(IMAGE, &image);
    child.env("DOCKER_CONFIG", &yard.workspace);
    let mut child = Child::start(&mut child);
    child.says("DONE");
    child.succeed();
    docker(&["rmi", &image]);
}

/// The names that the list of images has of an image of a test.
async fn listed(engine: &Engine, word: &str) -> Vec<String> {
    let (docker, wish) = engine.docker(None).unwrap();
    let images = within(docker.images(&wish)).await.unwrap();
    images.into_iter().flat_map(|image| image.tags).filter(|tag| tag.contains(word)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_listed_named_noted_and_removed() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let (client, wish) = engine.docker(None).unwrap();
    let word = yard.marker.name();
    let (one, other) = (format!("stigmer-test/{word}:1"), format!("stigmer-test/{word}-other"));
    // An image of its own, so that what is written about it is not another test's.
    let made =
        format!("echo {word} >f; tar -c f | docker import --change 'USER 12' --change 'ENV A=b' - {one}");
    let made = Command::new("sh").args(["-ec", &made]).current_dir(&yard.workspace).output().unwrap();
    assert!(made.status.success());
    within(client.tag_image(&wish, &one, &other)).await.unwrap();
    let mut names = listed(&engine, word).await;
    names.sort();
    assert_eq!(names, [one.clone(), format!("{other}:latest")].iter().rev().cloned().collect::<Vec<_>>());
    within(client.note_image(&wish, &one, " mine ")).await.unwrap();
    let detail = within(client.image_detail(&wish, &other)).await.unwrap();
    assert_eq!((detail.image.kept.note.as_deref(), detail.user.as_str()), (Some("mine"), "12"));
    assert_eq!(
        (detail.env.as_slice(), detail.platform.as_str()),
        (["A=b".to_owned()].as_slice(), "linux/amd64")
    );
    assert!(detail.layers.len() == 1 && detail.image.size > 0);
    let prunable = within(client.prunable_images(&wish, false)).await.unwrap();
    assert!(prunable.iter().all(|image| image.tags.is_empty()));
    let prunable = within(client.prunable_images(&wish, true)).await.unwrap();
    assert!(prunable.iter().any(|image| image.tags.contains(&one)));
    let container = docker(&["create", &one, "x"]);
    let prunable = within(client.prunable_images(&wish, true)).await.unwrap();
    assert!(!prunable.iter().any(|image| image.tags.contains(&one)));
    let removed = within(client.remove_image(&wish, &other, false)).await.unwrap();
    assert_eq!(
        (removed.untagged.as_slice(), removed.deleted.len()),
        ([format!("{other}:latest")].as_slice(), 0)
    );
    let error = within(client.remove_image(&wish, &one, false)).await.unwrap_err();
    assert_eq!(error.code(), "conflict");
    docker(&["rm", &container]);
    let removed = within(client.remove_image(&wish, &one, false)).await.unwrap();
    assert!(!removed.deleted.is_empty());
    assert_eq!(listed(&engine, word).await, Vec::<String>::new());
    for error in [
        within(client.image_detail(&wish, &one)).await.map(drop),
        within(client.remove_image(&wish, &one, false)).await.map(drop),
        within(client.tag_image(&wish, &one, &other)).await,
        within(client.note_image(&wish, &one, "x")).await,
    ] {
        assert_eq!(error.unwrap_err().code(), "image-not-found");
    }
    let wrong = within(client.tag_image(&wish, TINY, "UPPER")).await.unwrap_err();
    assert_eq!(wrong.code(), "invalid-spec");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_basic_image_has_its_tools_and_another_lacks_them() {
    let yard = Yard::of("stigmer-sandbox-basic:local", "");
    let engine = yard.open().await;
    let verify = |image: &str, tier: Option<&str>| {
        task(&yard, ImageTask::Verify { image: image.to_owned(), tier: tier.map(str::to_owned) })
    };
    let (_, said) = succeeds(&engine, verify("stigmer-sandbox-basic:local", None)).await;
    assert!(said.lines().all(|line| line.contains("  ok  ")) && said.lines().count() > 5, "{said}");
    let (client, wish) = engine.docker(None).unwrap();
    let kept = within(client.image_detail(&wish, "stigmer-sandbox-basic:local")).await.unwrap().image.kept;
    let verified = kept.verified.unwrap();
    assert_eq!((verified.tier.as_str(), verified.missing().count()), ("basic", 0));
    let python = verified.tools.iter().find(|tool| tool.name.starts_with("python")).unwrap();
    assert!(python.version.as_deref().unwrap().starts_with("3.11"));
    let (record, said) = ran(&engine, verify(TINY, Some("basic"))).await;
    let Outcome::Error { error } = outcome(&record) else { panic!("{record:?}") };
    assert_eq!(error.code, "image-incomplete");
    assert!(said.contains("missing") && error.message.contains("python"), "{said} {error:?}");
    assert_eq!(refused(&engine, verify("no/such:image", None)).await.code, "image-not-found");
    assert_eq!(refused(&engine, verify(TINY, Some("none"))).await.code, "invalid-spec");
    until("no container is left", || yard.containers().is_empty().then_some(())).await;
}

/// A way to a registry that stands still after some bytes, until it is let go.
async fn standing_still(to: u16, after: u64) -> (u16, tokio::sync::watch::Sender<bool>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (go, stands) = tokio::sync::watch::channel(true);
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            let mut stands = stands.clone();
            tokio::spawn(async move {
                let registry = tokio::net::TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let ((mut asks, mut answers), (mut from, mut into)) =
                    (caller.into_split(), registry.into_split());
                let there = tokio::io::copy(&mut asks, &mut into);
                let back = async {
                    tokio::io::copy(&mut (&mut from).take(after), &mut answers).await?;
                    let _ = stands.wait_for(|stands| !stands).await;
                    tokio::io::copy(&mut from, &mut answers).await
                };
                let _ = tokio::join!(there, back);
            });
        }
    });
    (port, go)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_stands_still_says_so_with_its_layer_and_goes_on_by_itself() {
    let yard = Yard::new();
    let Some(registry) = Registry::start(false).await else { return };
    let engine = yard.open().await;
    // A layer that nobody has.
    let archive = yard.workspace.join("layer.tar");
    let mut random = vec![0; 8 << 20];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom").unwrap(), &mut random).unwrap();
    std::fs::write(yard.workspace.join("random"), random).unwrap();
    let folder = yard.workspace.to_str().unwrap();
    let tar = Command::new("tar").args(["-C", folder, "-cf", archive.to_str().unwrap(), "random"]).status();
    assert!(tar.unwrap().success());
    let image = registry.named(&yard);
    docker(&["import", archive.to_str().unwrap(), &image]);
    succeeds(&engine, push(&yard, &image)).await;
    docker(&["rmi", &image]);
    let (port, go) = standing_still(registry.port, 1 << 20).await;
    let image = format!("127.0.0.1:{port}/{}", image.split_once('/').unwrap().1);
    let id = engine.start(pull(&yard, &image)).await.unwrap();
    until("it says that it stands still", || {
        let told = format!("{:?}", engine.events(id, 0).unwrap().0);
        told.contains("stands still").then_some(())
    })
    .await;
    go.send_replace(false);
    let record = within(engine.finished(id)).await.unwrap();
    assert_eq!(outcome(&record), &Outcome::Succeeded);
    let said = String::from_utf8_lossy(&crate::desk::output(&engine, id)).into_owned();
    assert!(said.contains("nothing came for 20 s"), "{said}");
    docker(&["rmi", &image]);
}
