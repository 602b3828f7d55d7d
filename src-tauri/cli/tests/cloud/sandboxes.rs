//! `stigmer sandbox` for what is in the cloud.

use std::process::Command;

use daytona_double::{Effect, Fault};

use crate::harness::{Home, is_there};
use crate::sky::{Sky, secretive};

/// A list shows containers, too, so that an engine for them is needed.
fn has_docker(test: &str) -> bool {
    let asked = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output();
    is_there(test, "a Docker engine", asked.is_ok_and(|asked| asked.status.success()))
}

/// The state of the only sandbox.
#[track_caller]
fn state(sky: &Sky) -> String {
    let all = sky.double.sandboxes();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0]["state"].as_str().unwrap().to_owned()
}

#[test]
fn sandboxes_in_the_cloud_are_listed_beside_containers_and_looked_after() {
    let test = "sandboxes_in_the_cloud_are_listed_beside_containers_and_looked_after";
    let Some(sky) = Sky::that_runs(test) else { return };
    if !has_docker(test) {
        return;
    }
    sky.ends(["run", "--mode", "daytona", "echo said"]);
    let mut lines = sky.ends(["sandbox", "list", "--json"]).json();
    let line = lines.remove(0);
    assert!(lines.is_empty() && line["mode"] == "daytona" && line["kind"] == "shared", "{line}");
    let (name, id) = (line["name"].as_str().unwrap(), line["id"].as_str().unwrap());
    sky.asked();
    let list = sky.ends(["sandbox"]).out();
    assert!(
        list.starts_with("CLOUD SANDBOX") && list.contains(name) && list.contains("idle 15 min"),
        "{list}"
    );
    let detail = sky.ends(["sandbox", "inspect", id]).out();
    assert!(detail.contains("stigmer.home=") && detail.contains("1 CPU, 1 GiB of memory"), "{detail}");
    assert_eq!(sky.ends(["sandbox", "logs", name]).out(), "said\n");
    let asked = sky.asked();
    let only_looks = |one: &String| one.starts_with("GET /api/sandbox");
    assert!(asked.len() == 2 && asked.iter().all(only_looks), "nothing is woken or prolonged: {asked:?}");

    let told = sky.refuses(["sandbox", "archive", name], "conflict").err();
    assert!(told.contains("stigmer sandbox stop"), "{told}");
    sky.ends(["sandbox", "stop", name]);
    assert_eq!(state(&sky), "stopped");
    sky.ends(["sandbox", "start", id]);
    assert_eq!(state(&sky), "started");
    sky.ends(["sandbox", "stop", name]);
    sky.ends(["sandbox", "archive", name]);
    assert!(state(&sky).starts_with("archiv"));
    sky.ends(["sandbox", "rm", name]);
    assert_eq!(sky.ends(["sandbox", "list", "--json"]).out(), "");
    sky.refuses(["sandbox", "inspect", name], "sandbox-not-found");
}

#[test]
fn those_of_another_home_are_not_ours() {
    let test = "those_of_another_home_are_not_ours";
    let Some(sky) = Sky::that_runs(test) else { return };
    if !has_docker(test) {
        return;
    }
    sky.ends(["run", "--mode", "daytona", "true"]);
    let name = sky.double.sandboxes()[0]["name"].as_str().unwrap().to_owned();
    let other = Home::new();
    let call = |args: &[&str]| {
        let call = other.stigmer(args.iter().copied()).env("DAYTONA_API_URL", sky.double.url());
        secretive(call.env("DAYTONA_API_KEY", sky.double.key()).ended())
    };
    assert_eq!(call(&["sandbox", "list", "--json"]).expect(0).out(), "");
    for verb in ["inspect", "start", "stop", "archive", "rm"] {
        call(&["sandbox", verb, &name]).expect(125).expect_error("sandbox-not-found");
    }
    assert_eq!(state(&sky), "started");
}

#[test]
fn a_cloud_that_cannot_be_asked_is_one_line_and_no_failure() {
    let test = "a_cloud_that_cannot_be_asked_is_one_line_and_no_failure";
    if !has_docker(test) {
        return;
    }
    let sky = Sky::new();
    let quiet = sky.without_key(["sandbox", "list"]).ended().expect(0);
    assert_eq!(quiet.err(), "");
    let told = sky.without_key(["sandbox", "list", "--verbose"]).ended().expect(0).err();
    assert!(told.contains("stigmer auth login") && sky.asked().is_empty(), "{told}");

    sky.double.fault(Fault::always("GET", "/api/sandbox", Effect::html(200)));
    let page = sky.ends(["sandbox", "list"]).err();
    assert!(page.lines().count() == 1 && page.contains("[daytona-wrong-address]"), "{page}");
    let wrong =
        sky.without_key(["sandbox", "list"]).env("DAYTONA_API_KEY", "dtn_wrong").ended().expect(0).err();
    assert!(wrong.lines().count() == 1 && wrong.contains("warning: the cloud's are not listed"), "{wrong}");
    let nowhere = sky.call(["sandbox", "list"]).env("DAYTONA_API_URL", "http://127.0.0.1:9/api");
    let nowhere = secretive(nowhere.ended().expect(0)).err();
    assert!(nowhere.lines().count() == 1 && nowhere.contains("[daytona-unreachable]"), "{nowhere}");
}

#[test]
fn files_are_copied_into_a_cloud_sandbox_and_out_of_it() {
    let test = "files_are_copied_into_a_cloud_sandbox_and_out_of_it";
    let Some(sky) = Sky::that_runs(test) else { return };
    if !has_docker(test) {
        return;
    }
    sky.ends(["run", "--mode", "daytona", "mkdir -p out/deep; seq 100000 >out/deep/numbers"]);
    let name = sky.ends(["sandbox", "list", "--json"]).json()[0]["name"].as_str().unwrap().to_owned();
    sky.ends(["sandbox", "cp", &format!("{name}:out"), "results"]);
    let came = std::fs::read_to_string(sky.home.work().join("results/deep/numbers")).unwrap();
    assert!((1..=100_000).eq(came.lines().map(|line| line.parse::<u32>().unwrap())), "{} bytes", came.len());
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    sky.home.write("bytes", &bytes);
    sky.ends(["sandbox", "cp", "bytes", &format!("{name}:/tmp/bytes")]);
    sky.ends(["sandbox", "cp", &format!("{name}:/tmp/bytes"), "again"]);
    assert!(std::fs::read(sky.home.work().join("again")).unwrap() == bytes);
    sky.ends(["sandbox", "stop", &name]);
    let told = sky.refuses(["sandbox", "cp", "bytes", &format!("{name}:x")], "conflict").err();
    assert!(told.contains("stigmer sandbox start"), "{told}");
}
