//! What the first process of a sandbox does.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

mod harness;

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command};

use harness::{Runner, UNTIL_SLEEPING, eventually, program, script};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use stigmer_runner::{Exit, Keep, Reply, Request, Start};

/// A runner that listens in a folder of its own.
struct Serving {
    child: Child,
    folder: tempfile::TempDir,
}

impl Serving {
    fn new(words: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::after(tempfile::tempdir().unwrap(), words, variables)
    }

    /// In a folder that has something already.
    fn after(folder: tempfile::TempDir, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_stigmer-runner"))
            .arg("serve")
            .args([folder.path().join("socket"), folder.path().join("home")])
            .args(words)
            .env_clear()
            .envs(variables.iter().copied())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    fn talk(&self) -> Runner {
        Runner::at(&self.folder.path().join("socket"))
    }

    /// A conversation, or one after another, over streams as a terminal's.
    fn attached(&self, unused: u32, more: &[&str]) -> Runner {
        // Somebody listens by then: who attaches starts no other, which would outlive the test.
        drop(self.talk());
        let place = self.folder.path();
        Runner::attached(&place.join("socket"), &place.join("home"), unused, more)
    }

    fn run(&self, text: &str) -> Runner {
        let mut runner = self.talk();
        runner.send(&Request::Start(script(text)));
        runner
    }

    fn until_ended(&mut self) -> std::process::ExitStatus {
        eventually("it ended", || self.child.try_wait().unwrap())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn commands_run_beside_each_other_and_one_after_the_other() {
    let serving = Serving::new(&[], &[]);
    let mut first = serving.talk();
    first.send(&Request::Start(Start { input: true, ..script("read line; echo first $line; exit 3") }));
    first.until_started();
    let mut second = serving.run("echo second");
    assert_eq!(second.until_exited(), Exit::Code(0));
    second.until_ended();
    first.input("was asked\n");
    assert_eq!(first.until_exited(), Exit::Code(3));
    first.until_ended();
    assert_eq!((first.text().as_str(), second.text().as_str()), ("first was asked\n", "second\n"));
}

#[test]
fn whoever_leaves_ends_what_he_started_and_nothing_else() {
    let serving = Serving::new(&[], &[]);
    let mut stays = serving.run("echo $$; exec sleep 1000");
    stays.until_output("\n");
    let mut leaves = serving.run("setsid sleep 1000 & echo $$ $!; wait");
    leaves.until_output("\n");
    let pids = |runner: &Runner| {
        let text = runner.text();
        text.split_whitespace().map(|pid| Pid::from_raw(pid.parse().unwrap())).collect::<Vec<_>>()
    };
    let (stay, gone) = (pids(&stays), pids(&leaves));
    drop(leaves);
    for pid in gone {
        eventually("it is ended", || kill(pid, None).is_err().then_some(()));
    }
    assert!(kill(stay[0], None).is_ok());
}

#[test]
fn it_ends_when_it_was_idle_for_long_enough_and_not_while_a_command_runs() {
    let mut serving = Serving::new(&["1"], &[]);
    // Longer than the time for idling.
    let mut runner = serving.run("sleep 1.5; echo done");
    assert_eq!(runner.until_exited(), Exit::Code(0));
    assert!(serving.child.try_wait().unwrap().is_none());
    drop(runner);
    assert!(serving.until_ended().success());
}

#[test]
fn one_that_may_not_idle_waits_for_its_first_command_all_the_same() {
    let mut serving = Serving::new(&["0"], &[]);
    let mut runner = serving.talk();
    std::thread::sleep(std::time::Duration::from_millis(100)); // longer than it may idle
    assert!(serving.child.try_wait().unwrap().is_none());
    runner.send(&Request::Start(program(["true"])));
    runner.until_ended();
    drop(runner);
    assert!(serving.until_ended().success());
}

#[test]
fn a_socket_that_was_left_is_replaced_and_takes_callers_of_other_users() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    drop(UnixListener::bind(&socket).unwrap());
    // Gone for a moment while it is replaced.
    let mode = || std::fs::metadata(&socket).map_or(0, |socket| socket.permissions().mode() & 0o777);
    assert_ne!(mode(), 0o666);
    let serving = Serving::after(folder, &[], &[]);
    eventually("it listens", || (mode() == 0o666).then_some(()));
    serving.run("true").until_ended();
}

#[test]
fn one_that_serves_once_ends_with_its_first_conversation() {
    let mut serving = Serving::new(&["1000", "once"], &[]);
    let mut runner = serving.run("sleep 1000 & echo started");
    runner.until_output("started");
    runner.until_ended();
    drop(runner);
    assert!(serving.until_ended().success());
}

#[test]
fn one_that_serves_once_lets_who_carries_its_conversation_read_the_end() {
    let mut serving = Serving::new(&["1000", "once"], &[]);
    let mut runner = serving.run("echo done");
    runner.until_ended();
    while runner.read_more() {}
    // It has nothing more to say, and stays until that was carried to where it is read.
    assert!(serving.child.try_wait().unwrap().is_none());
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(serving.child.try_wait().unwrap().is_none());
    drop(runner);
    assert!(serving.until_ended().success());
}

#[test]
fn what_a_run_left_behind_is_ended_by_its_variable_and_that_is_no_use() {
    let mut serving = Serving::new(&["1000", "once"], &[]);
    let sweep = |serving: &Serving, variable: &str| {
        let mut runner = serving.talk();
        runner.send(&Request::Sweep { variable: variable.as_bytes().to_vec().into() });
        runner.until("it is swept", |runner| runner.replies.contains(&Reply::Swept).then_some(()));
        while runner.read_more() {}
    };
    sweep(&serving, "A=1");
    let line =
        format!("A=12 setsid sleep 1000 & A=1 setsid sleep 1000 & {UNTIL_SLEEPING}; echo $! $$; wait $!");
    let mut stays = serving.run(&line);
    stays.until_output("\n");
    sweep(&serving, "A=1");
    assert_eq!(stays.until_exited(), Exit::Code(137));
    assert!(serving.child.try_wait().unwrap().is_none());
    drop(stays);
    assert!(serving.until_ended().success());
}

#[test]
fn it_ends_at_once_when_it_is_told_to() {
    let mut serving = Serving::new(&[], &[]);
    serving.run("true").until_ended();
    kill(Pid::from_raw(i32::try_from(serving.child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert!(serving.until_ended().success());
}

#[test]
fn a_home_that_cannot_be_written_to_is_replaced() {
    let home = |home: &str| {
        let serving = Serving::new(&[], &[("HOME", home)]);
        let mut runner = serving.run("echo $HOME; cd && touch ~/file");
        assert_eq!(runner.until_exited(), Exit::Code(0));
        runner.until_ended();
        (runner.text().trim().to_owned(), serving)
    };
    for bad in ["/", "/nonexistent", "/etc/passwd"] {
        let (text, serving) = home(bad);
        assert_eq!(Path::new(&text), serving.folder.path().join("home"), "{bad}");
    }
    let good = tempfile::tempdir().unwrap();
    assert_eq!(Path::new(&home(good.path().to_str().unwrap()).0), good.path());
}

#[test]
fn what_does_not_speak_the_protocol_hurts_nobody() {
    let serving = Serving::new(&[], &[]);
    let mut stranger = serving.talk();
    stranger.send_raw(&[0xff; 64]);
    while stranger.read_more() {}
    let mut runner = serving.talk();
    runner.send(&Request::Start(program(["echo", "still here"])));
    runner.until_ended();
    assert_eq!(runner.text(), "still here\n");
}

/// A command that an engine could find again, of which it is told everything.
fn kept(serving: &Serving, text: &str) -> Start {
    let socket = serving.folder.path().join("door").into_os_string().into_encoded_bytes().into();
    let keep = Some(Keep { socket, linger_ms: 0, silence_ms: 0 });
    Start { keep, spool: 1 << 20, input: true, ..script(text) }
}

fn until_greeted(runner: &mut Runner, times: usize) {
    runner.until("it greets", |runner| {
        let greetings = runner.replies.iter().filter(|reply| matches!(reply, Reply::Hello { .. }));
        (greetings.count() == times).then_some(())
    });
}

#[test]
fn one_conversation_follows_another_over_the_same_streams() {
    let serving = Serving::new(&[], &[]);
    let mut runner = serving.attached(1000, &[]);
    for times in 1..5 {
        until_greeted(&mut runner, times);
        runner.send(&Request::Start(kept(&serving, "read line; echo heard $line; exit 3")));
        runner.input(format!("{times}\n"));
        runner.until_ended();
        runner.send(&Request::Ack { offset: u64::MAX });
    }
    assert_eq!(runner.text(), "heard 1\nheard 2\nheard 3\nheard 4\n");
    until_greeted(&mut runner, 5);
    runner.close_requests();
    assert!(runner.finish().success(), "whoever has nothing more to say ends them");
}

#[test]
fn an_engine_that_leaves_in_one_of_many_conversations_ends_what_runs_and_begins_no_other() {
    let serving = Serving::new(&[], &[]);
    let mut runner = serving.attached(1000, &[]);
    until_greeted(&mut runner, 1);
    runner.send(&Request::Start(kept(&serving, "echo $$; exec sleep 1000")));
    runner.until_output("\n");
    let pid = Pid::from_raw(runner.text().trim().parse().unwrap());
    runner.close_requests();
    assert!(runner.finish().success());
    eventually("it is ended", || kill(pid, None).is_err().then_some(()));
    until_greeted(&mut runner, 1);
}

#[test]
fn a_start_that_arrives_twice_begins_one_run() {
    let serving = Serving::new(&[], &[]);
    let mut first = serving.talk();
    first.send(&Request::Start(kept(&serving, "read line; echo $line")));
    first.until_started();
    let mut second = serving.talk();
    second.send(&Request::Start(kept(&serving, "echo second")));
    second.until("it is refused", |runner| {
        runner.replies.iter().find(|reply| matches!(reply, Reply::NotStarted { .. })).map(drop)
    });
    first.input("first\n");
    first.until_ended();
    assert_eq!((first.text().as_str(), second.text().as_str()), ("first\n", ""));
}

#[test]
fn a_conversation_that_nobody_uses_ends_by_itself_and_one_that_is_used_does_not() {
    let serving = Serving::new(&[], &[]);
    let mut runner = serving.attached(1, &[]);
    // Longer than it may be unused.
    runner.send(&Request::Start(kept(&serving, "sleep 2.5; echo done")));
    runner.until_ended();
    runner.send(&Request::Ack { offset: u64::MAX });
    assert!(runner.finish().success(), "its requests were never closed");
    assert_eq!(runner.text(), "done\n");
    until_greeted(&mut runner, 2);
}

#[test]
fn one_conversation_alone_is_followed_by_none_and_ends_unused_like_others() {
    let serving = Serving::new(&[], &[]);
    let mut runner = serving.attached(1000, &["once"]);
    runner.send(&Request::Start(kept(&serving, "echo done")));
    runner.until_ended();
    runner.send(&Request::Ack { offset: u64::MAX });
    assert!(runner.finish().success());
    until_greeted(&mut runner, 1);
    let mut unused = serving.attached(1, &["once"]);
    until_greeted(&mut unused, 1);
    assert!(unused.finish().success());
}
