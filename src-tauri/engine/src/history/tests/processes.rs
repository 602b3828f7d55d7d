//! Other processes are this test program again, asked for one of the ignored tests below.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::history::{Host, is_alive};

const HOME: &str = "STIGMER_TEST_HOME";
const RUNS_EACH: u64 = 20;

/// Runs a test of this file in a process of its own.
fn process(test: &str, home: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", &format!("history::tests::processes::{test}")])
        .env(HOME, home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn home_of_parent() -> Home {
    Home::at(std::env::var_os(HOME).expect("only started by other tests"))
}

/// What a process says behind a word at the beginning of a line.
fn said(child: &mut Child, word: &str) -> String {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let found =
        lines.map(Result::unwrap).find_map(|line| line.split_once(word).map(|(_, rest)| rest.to_owned()));
    found.expect("the process said nothing of the kind")
}

#[test]
#[ignore = "is a process of another test"]
fn child_opens_and_writes() {
    let history = open(&home_of_parent());
    for n in 0..RUNS_EACH {
        let record = run(&format!("make {n}"));
        history.insert(&record).unwrap();
        history.started(record.id, second(1)).unwrap();
        assert!(history.ended(record.id, &ending(Outcome::Succeeded, 2), n).unwrap());
    }
}

#[test]
fn eight_processes_open_a_fresh_home_at_once_and_write() {
    let (_folder, home) = home();
    let children: Vec<_> = (0..8).map(|_| process("child_opens_and_writes", home.root())).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let history = open(&home);
    let over = Filter { states: vec!["succeeded".into()], text: "make".into(), ..Filter::default() };
    assert_eq!(history.count(&over).unwrap(), 8 * RUNS_EACH);
    assert_eq!(history.check().unwrap(), [""; 0]);
}

#[test]
fn eight_connections_find_the_same_damage_and_one_of_them_mends_it() {
    let (_folder, home) = home();
    home.create().unwrap();
    std::fs::write(home.database(), "not a database").unwrap();
    let recovered: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let opened = History::open(&home).unwrap();
                    opened.history.insert(&run("make")).unwrap();
                    usize::from(opened.recovered.is_some())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(recovered, 1);
    assert_eq!(open(&home).count(&Filter::default()).unwrap(), 8);
}

#[test]
fn two_connections_write_at_once_and_nothing_is_lost() {
    let (_folder, home) = home();
    let histories = [open(&home), open(&home)];
    std::thread::scope(|scope| {
        for history in &histories {
            scope.spawn(|| (0..100).for_each(|n| history.insert(&run(&format!("make {n}"))).unwrap()));
        }
    });
    for history in &histories {
        assert_eq!(history.count(&Filter::default()).unwrap(), 200);
    }
}

#[test]
#[ignore = "is a process of another test"]
fn child_holds_a_host() {
    let host = Host::claim(&home_of_parent()).unwrap();
    println!("\nholds {}", host.id());
    // Until it is killed, or the parent is gone.
    let _ = std::io::stdin().read(&mut [0]);
}

#[test]
fn an_engine_that_is_killed_is_dead_at_once() {
    let (_folder, home) = home();
    let history = open(&home);
    let mut child = process("child_holds_a_host", home.root());
    let host: Uuid = said(&mut child, "holds ").parse().unwrap();
    let record = RunRecord { host, ..run("make") };
    history.insert(&record).unwrap();
    assert!(is_alive(&home, host).unwrap());
    assert_eq!(history.orphans(&home).unwrap(), []);

    child.kill().unwrap();
    child.wait().unwrap();

    let file = home.hosts().join(format!("{host}.lock"));
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), child.id().to_string());
    assert_eq!(history.orphans(&home).unwrap(), [record]);
    assert!(!file.exists(), "what a dead engine left is removed");
}

#[test]
fn an_engine_that_ends_takes_its_file_with_it() {
    let (_folder, home) = home();
    let host = Host::claim(&home).unwrap();
    let id = host.id();
    assert!(is_alive(&home, id).unwrap());
    drop(host);
    assert!(!is_alive(&home, id).unwrap());
    assert_eq!(std::fs::read_dir(home.hosts()).unwrap().count(), 0);
}

#[test]
fn an_engine_that_never_was_is_dead() {
    let (_folder, home) = home();
    assert!(!is_alive(&home, Uuid::new_v4()).unwrap());
}
