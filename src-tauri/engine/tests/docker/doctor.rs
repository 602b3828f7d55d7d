//! What `doctor` says of the engine and of sandboxes.

use stigmer_engine::config::Sources;
use stigmer_engine::doctor::{Check, Verdict, examine};

use crate::common::within;
use crate::wire::{Broken, Wire};
use crate::yard::{TINY, Yard};

/// The checks of the engine and of a sandbox, with the mode that the settings say.
async fn checks(yard: &Yard, mode: &str, settings: &str) -> [Check; 2] {
    yard.set(&format!("image: '{TINY}', {settings}"));
    let sources = Sources { options: vec![("mode".to_owned(), mode.to_owned())], ..yard.sources() };
    let mut found = Vec::new();
    within(examine(&yard.home, &sources, |check| found.push(check))).await;
    found.retain(|check| ["docker", "sandbox"].contains(&check.name));
    found.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_works_is_named_and_tried() {
    let yard = Yard::new();
    let [docker, sandbox] = checks(&yard, "local", "").await;
    assert_eq!((docker.verdict, sandbox.verdict), (Verdict::Ok, Verdict::Ok), "{docker:?} {sandbox:?}");
    let parts = ["unix:///var/run/docker.sock", "the socket of Docker", "GiB are free"];
    assert!(parts.iter().all(|part| docker.found.contains(part)), "{}", docker.found);
    assert!(sandbox.found.contains(TINY), "{}", sandbox.found);
    let [_, sandbox] = checks(&yard, "sandbox", "user: sandbox").await;
    assert_eq!(sandbox.verdict, Verdict::Ok, "{sandbox:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_broken_only_where_it_is_the_usual_mode() {
    let yard = Yard::new();
    for (mode, verdict) in [("local", Verdict::Limited), ("sandbox", Verdict::Broken)] {
        let [docker, sandbox] = checks(&yard, mode, "docker_host: 'unix:///no/such.sock'").await;
        assert_eq!((docker.verdict, sandbox.verdict), (verdict, verdict), "{docker:?} {sandbox:?}");
        assert!(docker.hint.unwrap().contains("start Docker"));
        yard.set("image: 'no/such:image'");
        let sources = Sources { options: vec![("mode".to_owned(), mode.to_owned())], ..yard.sources() };
        let mut found = Vec::new();
        within(examine(&yard.home, &sources, |check| found.push(check))).await;
        let last = found.into_iter().find(|check| check.name == "sandbox").unwrap();
        assert_eq!(last.verdict, verdict, "{last:?}");
        assert!(last.found.contains("no/such:image") && last.hint.unwrap().contains("image pull"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_hangs_is_found_out_within_its_limit() {
    let wire = Broken::new();
    let yard = Yard::new();
    wire.set(Wire::Hangs);
    let [docker, sandbox] = checks(&yard, "local", &wire.setting()).await;
    assert_eq!((docker.verdict, sandbox.verdict), (Verdict::Limited, Verdict::Limited));
    assert!(docker.found.contains("no answer"), "{docker:?}");
}
