//! `stigmer runs`: the history, and what can be done with past runs.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use harness::{Call, Home};
use serde_json::Value;

/// Commands of the runs that a call lists, newest first.
fn commands(call: Call) -> Vec<String> {
    let runs = call.arg("--json").ended().expect(0).json();
    runs.iter().map(|run| run["command"].as_str().unwrap().to_owned()).collect()
}

fn id(run: &Value) -> &str {
    run["run_id"].as_str().unwrap()
}

#[test]
fn the_list_is_filtered_by_text_state_label_workspace_time_and_number() {
    let home = Home::new();
    home.write("sub/file", "");
    home.stigmer(["run", "--label", "one", "--label", "two", "echo first"]).ended().expect(0);
    home.stigmer(["run", "--workspace", "sub", "echo second; exit 1"]).ended().expect(1);
    home.run("kill -9 $$ # third").ended().expect(137);
    let list = |args: &[&str]| commands(home.stigmer(["runs", "list"]).args(args));
    let [first, second, third] = ["echo first", "echo second; exit 1", "kill -9 $$ # third"];
    assert_eq!(list(&[]), [third, second, first]);
    assert_eq!(commands(home.stigmer(["runs"])), [third, second, first]);
    assert_eq!(list(&["echo"]), [second, first]);
    assert_eq!(list(&["ECHO", "sec"]), [second]);
    assert_eq!(list(&["--state", "failed"]), [third, second]);
    assert_eq!(list(&["--state", "succeeded,lost"]), [first]);
    assert_eq!(list(&["--label", "two"]), [first]);
    assert_eq!(list(&["--workspace", "sub"]), [second]);
    assert_eq!(list(&["--mode", "local", "-n", "1"]), [third]);
    assert_eq!(list(&["--since", "1h"]).len(), 3);
    assert!(list(&["--until", "1h"]).is_empty());
    assert!(list(&["--since", "2100-01-01"]).is_empty());
    assert!(list(&["--pinned"]).is_empty());
    for wrong in [["--state", "gone"], ["--since", "soon"]] {
        home.stigmer(["runs", "list"]).args(wrong).ended().expect(125).expect_error("usage");
    }
}

#[test]
fn the_table_shows_what_a_person_looks_for() {
    let home = Home::new();
    assert_eq!(home.stigmer(["runs"]).ended().expect(0).out(), "");
    home.run("echo a\u{1b}[31m\nb; exit 3").ended().expect(3);
    let table = home.stigmer(["runs"]).ended().expect(0).out();
    let (head, row) = table.split_once('\n').unwrap();
    assert!(head.starts_with("RUN ") && head.ends_with("COMMAND"));
    assert!(row.contains("failed") && row.contains(" 3 ") && row.contains("echo a [31m b; exit 3"), "{row}");
    assert!(!table.contains('\u{1b}'), "a command cannot colour the list");
    assert_eq!(row.lines().count(), 1);
}

#[test]
fn a_run_is_named_by_the_beginning_or_end_of_its_id_or_by_last() {
    let home = Home::new();
    home.run("echo one").ended().expect(0);
    home.run("echo two").ended().expect(0);
    let history = home.history();
    let one = id(&history[1]);
    let shown =
        |name: &str| home.stigmer(["runs", "show", "--json", name]).ended().expect(0).json().remove(0);
    for name in [one, &one[one.len() - 8..], &one.to_uppercase()] {
        assert_eq!(id(&shown(name)), one);
    }
    assert_eq!(id(&shown("last")), id(&history[0]));
    let show = |name: &str| home.stigmer(["runs", "show", name]).ended().expect(125);
    show(&one[..6]).expect_error("run-ambiguous");
    show(&one[..2]).expect_error("run-not-found");
    show("ffffffff").expect_error("run-not-found");
    show("../../etc").expect_error("run-not-found");
    Home::new().stigmer(["runs", "show"]).ended().expect(125).expect_error("run-not-found");
}

#[test]
fn show_tells_everything_but_values_of_variables() {
    let home = Home::new();
    let args = ["run", "-e", "TOKEN=hunter2", "--label", "word", "--timeout", "1m", "echo out; exit 2"];
    home.stigmer(args).ended().expect(2);
    let shown = home.stigmer(["runs", "show"]).ended().expect(0).out();
    for part in ["echo out; exit 2", "failed, exit code 2", "TOKEN", "word", "1 min", "1 line", "running"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let json = home.stigmer(["runs", "show", "--json"]).ended().expect(0);
    let run = &json.json()[0];
    assert_eq!((run["lines"].as_u64(), run["bytes"].as_u64()), (Some(1), Some(4)));
    assert!(run["events"].as_array().unwrap().len() >= 4 && run["spec"]["work"]["kind"] == "line");
    assert!(run["ending"]["usage"]["max_rss_kib"].as_u64().unwrap() > 0);
    assert!(!shown.contains("hunter2") && !json.out().contains("hunter2"));
    let search = Call::of(&home, "grep").args(["-r", "hunter2"]).arg(home.data()).ended();
    assert_eq!(search.out(), "", "nor is it anywhere on the disk");
}

#[test]
fn search_finds_lines_in_one_run_or_in_all() {
    let home = Home::new();
    home.run("printf 'alpha\\nBETA.x\\ngamma\\n'").ended().expect(0);
    home.run("printf 'delta\\nbeta-x\\n' >&2").ended().expect(0);
    let search = |args: &[&str], code| home.stigmer(["runs", "search"]).args(args).ended().expect(code).out();
    let [second, first] = [0, 1].map(|run| home.history()[run]["run_id"].as_str().unwrap()[28..].to_owned());
    assert_eq!(search(&["beta"], 0), format!("{second}:2:beta-x\n"));
    assert_eq!(search(&["-i", "beta"], 0), format!("{second}:2:beta-x\n{first}:2:BETA.x\n"));
    assert_eq!(search(&["-F", "A.x"], 0), format!("{first}:2:BETA.x\n"));
    assert_eq!(search(&["^g.*a$", &first], 0), "3:gamma\n");
    assert_eq!(search(&["-C", "1", "BETA", &first], 0), "1-alpha\n2:BETA.x\n3-gamma\n");
    assert_eq!(search(&["-c", "a", &first], 0), "2\n");
    assert_eq!(search(&["no such text"], 1), "");
    assert_eq!(search(&["-c", "no such text", &first], 1), "0\n");
    let json = home.stigmer(["runs", "search", "--json", "gam"]).ended().expect(0).json().remove(0);
    assert_eq!((json["line"].as_u64(), json["offset"].as_u64()), (Some(3), Some(13)));
    assert_eq!(json["matches"], serde_json::json!([[0, 3]]));
    home.stigmer(["runs", "search", "("]).ended().expect(125).expect_error("pattern");
}

#[test]
fn a_rerun_is_the_same_again_and_says_what_it_repeats() {
    let home = Home::new();
    home.write("sub/file", "");
    home.stigmer(["run", "--workdir", "sub", "--label", "word", "--", "sh", "-c", "pwd; exit 4"])
        .ended()
        .expect(4);
    let first = home.last();
    let again = home.stigmer(["runs", "rerun"]).ended().expect(4);
    assert_eq!(again.out(), format!("{}/sub\n", home.work().display()));
    let second = home.last();
    assert_eq!((&second["rerun_of"], &second["command"]), (&first["run_id"], &first["command"]));
    assert_eq!(second["labels"], first["labels"]);
    let json = home.stigmer(["runs", "rerun", "--json", id(&first)]).ended().expect(4).json();
    assert_eq!(json.last().unwrap()["exit_code"], 4);
}

#[test]
fn a_rerun_needs_the_values_that_are_not_kept() {
    let home = Home::new();
    home.stigmer(["run", "-e", "NAME=value", "echo $NAME"]).ended().expect(0);
    let refused = home.stigmer(["runs", "rerun"]).ended().expect(125).expect_error("invalid-spec");
    assert!(refused.err().contains("`NAME`"), "{}", refused.err());
    let again = home.stigmer(["runs", "rerun", "-e", "NAME=other"]).ended().expect(0);
    assert_eq!(again.out(), "other\n");
}

#[test]
fn a_script_from_standard_input_can_be_run_again() {
    let home = Home::new();
    home.stigmer(["run", "--lang", "bash", "--", "a b"]).stdin("echo \"got $1\"").ended().expect(0);
    assert_eq!(home.stigmer(["runs", "rerun"]).ended().expect(0).out(), "got a b\n");
}

#[test]
fn a_comparison_shows_the_lines_that_differ_and_exits_like_diff() {
    let home = Home::new();
    for word in ["old", "new", "new"] {
        home.run(&format!("echo same; echo {word}")).ended().expect(0);
    }
    let history = home.history();
    let compare =
        |args: [&str; 2], code| home.stigmer(["runs", "compare"]).args(args).ended().expect(code).out();
    let shown = compare([id(&history[2]), id(&history[1])], 1);
    assert!(shown.contains("\n same\n-old\n+new\n"), "{shown}");
    assert!(compare([id(&history[1]), id(&history[0])], 0).contains("the same output"));
    home.run("echo same; echo new; exit 1").ended().expect(1);
    assert!(compare([id(&history[0]), "last"], 1).contains("the same output"), "another end is a difference");
    let json = home.stigmer(["runs", "compare", "--json", id(&history[2]), "last"]).ended().expect(1);
    let told = &json.json()[0];
    assert_eq!((&told["same_output"], &told["after"]["exit_code"]), (&false.into(), &1.into()));
    assert_eq!(told["changes"][0], serde_json::json!({ "sign": "-", "line": 2, "content": "old\n" }));
}

#[test]
fn an_export_is_raw_plain_text_or_json() {
    let home = Home::new();
    home.run("printf '\\033[31mred\\033[0m\\tx\\377\\n'").ended().expect(0);
    let export = |args: &[&str]| home.stigmer(["runs", "export"]).args(args).ended().expect(0);
    assert_eq!(export(&[]).stdout, b"\x1b[31mred\x1b[0m\tx\xff\n");
    assert_eq!(export(&["--format", "text"]).out(), "red\tx\u{fffd}\n");
    let lines = export(&["--format", "json"]).json();
    assert_eq!(
        (&lines[0]["event"], &lines.last().unwrap()["type"]),
        (&"created".into(), &"execution_complete".into())
    );
    assert!(lines.iter().any(|line| line["type"] == "log"));
    export(&["last", "-o", "out.bin"]);
    assert_eq!(std::fs::read(home.work().join("out.bin")).unwrap(), b"\x1b[31mred\x1b[0m\tx\xff\n");
    let refused = home.stigmer(["runs", "export", "-o", "missing/out"]).ended().expect(125);
    refused.expect_error("storage");
}

#[test]
fn removing_takes_the_log_along_and_refuses_runs_that_go_on() {
    let home = Home::new();
    home.run("echo one").ended().expect(0);
    let (one, folder) = (home.last(), home.last_folder());
    let running = home.run("echo ready; sleep 1000").started();
    running.until_stdout("ready");
    let refused = home.stigmer(["runs", "rm"]).args([id(&one), "last"]).ended().expect(125);
    refused.expect_error("conflict");
    assert_eq!(home.history().len(), 2, "all or nothing");
    home.stigmer(["runs", "rm", id(&one)]).ended().expect(0);
    assert!(!folder.exists());
    assert_eq!(home.history().len(), 1);
}

#[test]
fn pruning_goes_by_age_and_size_and_never_takes_what_is_pinned() {
    let home = Home::new();
    for name in ["pinned", "old", "new"] {
        home.run(&format!("head -c 10000 /dev/zero; : {name}")).ended().expect(0);
        if name == "pinned" {
            home.stigmer(["runs", "pin"]).ended().expect(0);
        }
    }
    let left =
        || commands(home.stigmer(["runs"])).iter().map(|it| it[27..].trim().to_owned()).collect::<Vec<_>>();
    let dry =
        home.stigmer(["runs", "prune", "--keep", "15kB", "--dry-run", "--json"]).ended().expect(0).json();
    assert_eq!((dry[0]["runs"].as_array().unwrap().len(), &dry[0]["removed"]), (1, &false.into()));
    assert_eq!(left().len(), 3);
    home.stigmer(["runs", "prune", "--keep", "15kB"]).ended().expect(0);
    assert_eq!(left(), ["new", "pinned"]);
    home.stigmer(["runs", "prune", "--older-than", "1d"]).ended().expect(0);
    assert_eq!(left().len(), 2);
    home.stigmer(["runs", "prune", "--older-than", "0"]).ended().expect(0);
    assert_eq!(left(), ["pinned"]);
    home.stigmer(["runs", "pin", "--undo"]).ended().expect(0);
    home.stigmer(["runs", "prune", "--older-than", "0"]).ended().expect(0);
    assert!(left().is_empty());
    home.stigmer(["runs", "prune", "--keep", "lots"]).ended().expect(125);
}
