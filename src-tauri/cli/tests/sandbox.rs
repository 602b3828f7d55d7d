//! Sandboxes and images from the command line, on a real engine, alone and through a server.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use harness::call::Ended;
use harness::{Call, Home, is_there, until};
use nix::sys::signal::Signal;

const IMAGE: &str = "stigmer-test/debian";

/// A home whose containers go with it.
struct Desk(Home);

impl Desk {
    /// `None` where there is no engine with the images of the tests.
    fn new(test: &str) -> Option<Self> {
        let there = !docker(&["image", "inspect", "--format", "{{.Id}}", IMAGE]).is_empty();
        is_there(test, "a Docker engine with the images of scripts/engine.sh base", there)
            .then(|| Self(Home::without_server()))
    }

    fn run(&self, options: &[&str]) -> Call {
        self.0.stigmer(["run", "--mode", "sandbox", "--image", IMAGE, "--network", "none"]).args(options)
    }

    fn stigmer(&self, words: &[&str]) -> Ended {
        self.0.stigmer(words.iter().copied()).ended().expect(0)
    }

    /// Names of the containers of this home, whatever they do.
    fn containers(&self) -> Vec<String> {
        let owner = fs::read_to_string(self.0.data().join("sandboxes/owner")).unwrap_or_default();
        if owner.is_empty() {
            return Vec::new();
        }
        let filter = format!("label=stigmer.home={owner}");
        let names = docker(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]);
        names.lines().map(str::to_owned).collect()
    }

    fn until_containers(&self, count: usize) {
        until(
            "there are so many containers",
            || self.containers().len() == count,
            || format!("{:?}", self.containers()),
        );
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let names = self.containers();
        if !names.is_empty() {
            let force: Vec<_> =
                ["rm", "--force"].into_iter().chain(names.iter().map(String::as_str)).collect();
            docker(&force);
        }
    }
}

fn docker(words: &[&str]) -> String {
    let asked = Command::new("docker").args(words).output();
    asked.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned()).unwrap_or_default()
}

#[test]
fn a_command_in_a_sandbox_prints_ends_and_leaves_files_as_one_here_does() {
    let Some(desk) = Desk::new("a command in a sandbox") else { return };
    let ended =
        desk.run(&["echo out; echo err >&2; pwd >made; exit 7"]).env("SECRET_HERE", "x").ended().expect(7);
    assert_eq!((ended.out().as_str(), ended.err().as_str()), ("out\n", "err\n"));
    let made = desk.0.work().join("made");
    assert_eq!(fs::read_to_string(&made).unwrap(), "/workspace\n");
    assert_eq!(fs::metadata(&made).unwrap().uid(), nix::unistd::getuid().as_raw());
    assert!(!desk.run(&["env"]).env("SECRET_HERE", "x").ended().expect(0).out().contains("SECRET_HERE"));
    // The second command found the container of the first.
    assert_eq!(desk.containers().len(), 1);
    let shown = desk.stigmer(&["runs", "show"]).out();
    assert!(shown.contains("used before") && shown.contains("network    none"), "{shown}");
}

#[test]
fn files_are_copied_into_a_container_and_out_of_it() {
    let Some(desk) = Desk::new("copies by hand") else { return };
    let line = "mkdir -p /tmp/made/deep; echo text >/tmp/made/deep/file; ln -s deep /tmp/made/link";
    desk.run(&["--keep", line]).ended().expect(0);
    let [name] = &desk.containers()[..] else { panic!("one is kept") };
    let there = |path: &str| format!("{name}:{path}");
    let cp = |from: &str, to: &str| desk.0.stigmer(["sandbox", "cp", from, to]).ended();
    cp(&there("/tmp/made"), "here").expect(0);
    let work = desk.0.work();
    assert_eq!(fs::read_to_string(work.join("here/link/file")).unwrap(), "text\n");
    assert_eq!(fs::read_link(work.join("here/link")).unwrap(), Path::new("deep"));
    fs::write(work.join("run.sh"), "#!/bin/sh\necho ran\n").unwrap();
    fs::set_permissions(work.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    cp("run.sh", &there("/tmp")).expect(0);
    let ran = desk.0.stigmer(["sandbox", "exec"]).arg(name).args(["--", "/tmp/run.sh"]).ended();
    assert_eq!(ran.expect(0).out(), "ran\n");
    // Relative to the workspace, which is the same folder.
    let told =
        desk.0.stigmer(["sandbox", "cp", "--json", &there("run.sh"), "again"]).ended().expect(0).json();
    assert_eq!((&told[0]["entries"], &told[0]["bytes"]), (&1.into(), &19.into()));
    assert!(work.join("again").is_file());
    let told = cp(&there("/no/such"), ".").expect(125).expect_error("copy-failed").err();
    assert!(told.contains("No such file"), "{told}");
    // Larger than what a moment carries: it is stopped half-way, and nothing of it stays.
    fs::File::create(work.join("big")).unwrap().set_len(20 << 30).unwrap();
    let copying = desk.0.stigmer(["sandbox", "cp", "big", &there("/tmp/made")]).started();
    let list = || docker(&["exec", name, "ls", "-A", "/tmp/made"]);
    until("it is under way", || list().contains(".stigmer-"), list);
    copying.signal(Signal::SIGINT);
    copying.ended().expect(130);
    assert_eq!(list(), "deep\nlink");
    cp("run.sh", &there("/no/such/")).expect(125).expect_error("copy-failed");
    cp("run.sh", "nobody:/tmp").expect(125).expect_error("sandbox-not-found");
    cp("run.sh", "again").expect(125).expect_error("usage");
}

#[test]
fn arguments_input_and_scripts_arrive_as_they_are() {
    let Some(desk) = Desk::new("arguments in a sandbox") else { return };
    let odd = "a b\t'\"$x\\ ü";
    assert_eq!(desk.run(&["--", "printf", "%s|", odd, ""]).ended().expect(0).out(), format!("{odd}||"));
    assert_eq!(desk.run(&["cat"]).stdin("typed\0bytes").ended().expect(0).out(), "typed\0bytes");
    let script =
        desk.run(&["--lang", "bash", "one", "two"]).stdin("echo $# $2; [[ a == a ]]").ended().expect(0);
    assert_eq!(script.out(), "2 two\n");
    desk.0.write("job.sh", "echo from $0");
    assert_eq!(desk.run(&["--file", "job.sh"]).ended().expect(0).out(), "from /workspace/job.sh\n");
    desk.run(&["--", "no-such-program", "x"]).ended().expect(127).expect_error("program-not-found");
}

#[test]
fn a_sandbox_of_its_own_goes_with_its_run_and_a_kept_one_stays() {
    let Some(desk) = Desk::new("a fresh sandbox") else { return };
    desk.run(&["--fresh", "touch /tmp/mark"]).ended().expect(0);
    desk.until_containers(0);
    desk.run(&["--keep", "touch /tmp/mark"]).ended().expect(0);
    let [name] = &desk.containers()[..] else { panic!("one is kept") };
    let within = |words: &[&str]| desk.0.stigmer(["sandbox", "exec"]).arg(name).args(words).ended();
    assert_eq!(within(&["--", "ls", "/tmp"]).expect(0).out(), "mark\n");
    assert_eq!(within(&["exit 3"]).code(), 3);
    let list = desk.stigmer(&["sandbox", "list", "--json"]).json();
    assert_eq!((list[0]["name"].as_str(), list[0]["kind"].as_str()), (Some(name.as_str()), Some("kept")));
    assert!(desk.stigmer(&["sandbox", "packages", name]).out().contains("# apt\n"));
    desk.stigmer(&["sandbox", "rm", name]);
    desk.until_containers(0);
    within(&["true"]).expect(125).expect_error("sandbox-not-found");
}

#[test]
fn a_killed_stigmer_takes_what_runs_in_its_sandbox_along() {
    let Some(desk) = Desk::new("kill -9 with a sandbox") else { return };
    let line = "setsid sleep 1003 & echo ready; sleep 1004";
    for options in [&["--fresh", line][..], &[line]] {
        let running = desk.run(options).started();
        running.until_stdout("ready");
        running.signal(Signal::SIGKILL);
        running.ended();
        // Seen from this machine, which the processes of the container share.
        let alive = || desk.0.processes().values().any(|line| line.contains("sleep 100"));
        until("nothing runs", || !alive(), String::new);
        assert_eq!(desk.0.last()["state"], "lost");
    }
    // The fresh one is gone; the shared one is for whoever comes next, or goes when a server starts.
    desk.until_containers(1);
    desk.0.start_server();
    desk.until_containers(0);
}

#[test]
fn a_server_shares_its_sandboxes_holds_one_ready_and_takes_them_along() {
    let Some(desk) = Desk::new("a server with sandboxes") else { return };
    desk.0.start_server();
    desk.run(&["echo served"]).ended().expect(0);
    desk.run(&["--fresh", "true"]).ended().expect(0);
    // The shared one, and one that is ready for the next fresh run.
    desk.until_containers(2);
    let before = desk.containers();
    desk.run(&["--fresh", "true"]).ended().expect(0);
    let used = desk.stigmer(&["runs", "show", "--json"]).json()[0]["place"]["sandbox"]["container"].clone();
    assert!(before.iter().any(|name| used == name.as_str()), "{used} was not ready: {before:?}");
    desk.stigmer(&["server", "stop"]);
    desk.until_containers(0);
}

#[test]
fn what_is_done_with_an_image_is_a_run() {
    let Some(desk) = Desk::new("images") else { return };
    let name =
        format!("stigmer-cli-test:{}", desk.0.path().file_name().unwrap().to_str().unwrap().to_lowercase());
    desk.0
        .write("Dockerfile", format!("FROM {IMAGE}\nCOPY word /word\nRUN cat /word\nRUN test -e /missing\n"));
    // Another one each time: a step that was done before prints nothing.
    let word = format!("a word of {name}\n");
    desk.0.write("word", &word);
    let build = || desk.0.stigmer(["image", "build", "--folder", ".", "--tag", &name]);
    let failed = build().ended().expect(125);
    assert!(failed.out().contains(&word), "{}", failed.out());
    assert!(failed.err().contains("Step 4/4") && failed.err().contains("[build-failed]"), "{}", failed.err());
    desk.0.write("Dockerfile", format!("FROM {IMAGE}\nCOPY word /word\n"));
    build().ended().expect(0);
    let last = desk.0.last();
    assert_eq!((last["state"].as_str(), last["mode"].as_str()), (Some("succeeded"), Some("sandbox")));
    let run = desk.0.stigmer(["run", "-m", "sandbox", "--image", &name, "--", "cat", "/word"]);
    assert_eq!(run.ended().expect(0).out(), word);
    desk.stigmer(&["image", "note", &name, "made by a test"]);
    assert!(desk.stigmer(&["image", "show", &name]).out().contains("made by a test"));
    let verified = desk.0.stigmer(["image", "verify", &name]).ended().expect(125);
    assert!(verified.err().contains("[image-incomplete]"), "{}", verified.err());
    assert!(verified.out().contains("bash    ok"), "{}", verified.out());
    desk.stigmer(&["image", "rm", "--force", &name]);
    desk.0.stigmer(["image", "show", &name]).ended().expect(125).expect_error("image-not-found");
}

#[test]
fn what_stands_in_the_way_is_told_with_what_to_do() {
    let Some(desk) = Desk::new("refusals of sandboxes") else { return };
    let run = |options: &[&str]| desk.run(options).ended();
    desk.run(&["true"])
        .env("DOCKER_HOST", "unix:///no/engine")
        .ended()
        .expect(125)
        .expect_error("backend-unavailable");
    let missing = desk.0.stigmer(["run", "-m", "sandbox", "--image", "x", "true"]);
    missing.env("STIGMER_SANDBOX_AUTO_PULL", "false").ended().expect(125).expect_error("image-not-found");
    run(&["--mount", "/var/run/docker.sock:/s", "true"]).expect(125).expect_error("mount-unusable");
    run(&["--mount", "missing:/s", "true"]).expect(125).expect_error("mount-unusable");
    run(&["--workdir", "/", "true"]).expect(125).expect_error("outside-workspace");
    run(&["--user", "nobody-here", "--fresh", "true"]).expect(125).expect_error("sandbox-refused");
    assert_eq!(run(&["--network", "../x", "true"]).code(), 125);
    assert!(desk.containers().is_empty());
}
