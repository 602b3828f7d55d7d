//! `stigmer run --lang`: scripts, from a file or from standard input.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use std::os::unix::fs::symlink;
use std::process::Command;

use harness::{Home, is_installed, is_there};

/// A language: its name, its interpreter, and a script that prints its arguments and exits with 5.
const LANGUAGES: [(&str, &str, &str); 3] = [
    ("python", "python3", "import sys\nprint('|'.join(sys.argv[1:]))\nsys.exit(5)\n"),
    ("javascript", "node", "console.log(process.argv.slice(2).join('|'))\nprocess.exit(5)\n"),
    ("bash", "bash", "a=(\"$@\"); IFS='|'; echo \"${a[*]}\"\nexit 5\n"),
];

/// Runs a test in each language whose interpreter is here.
fn in_each(test: &str, each: impl Fn(&Home, &str, &str)) {
    for (language, interpreter, script) in LANGUAGES {
        if is_there(test, interpreter, is_installed(interpreter)) {
            each(&Home::new(), language, script);
        }
    }
}

#[test]
fn a_script_in_a_file_gets_its_arguments_and_its_code_is_passed_on() {
    in_each("a_script_in_a_file_gets_its_arguments", |home, language, script| {
        let file = home.write("my script", script);
        let call = home.stigmer(["run", "--lang", language, "--file"]).arg(file);
        let ended = call.args(["--", "a b", "", "--json", "ß"]).ended().expect(5);
        assert_eq!((ended.out().as_str(), ended.err().as_str()), ("a b||--json|ß\n", ""), "{language}");
    });
}

#[test]
fn a_script_on_standard_input_gets_its_arguments_and_its_code_is_passed_on() {
    in_each("a_script_on_standard_input_gets_its_arguments", |home, language, script| {
        let call = home.stigmer(["run", "--lang", language, "--", "a b", ""]).stdin(script);
        assert_eq!(call.ended().expect(5).out(), "a b|\n", "{language}");
    });
}

#[test]
fn a_script_in_a_file_has_the_standard_input_for_itself() {
    let home = Home::new();
    home.write("script", "read line; echo got $line");
    let call = home.stigmer(["run", "--lang", "bash", "--file", "script"]).stdin("typed\n");
    assert_eq!(call.ended().expect(0).out(), "got typed\n");
}

#[test]
fn mistakes_are_reported_with_the_lines_of_the_users_code() {
    let broken = [
        ("python", "import os\n\nraise ValueError('here')\n", "line 3"),
        ("javascript", "const a = 1;\n\nthrow new Error('here');\n", ":3"),
        ("bash", "true\n\nno-such-program-here\n", "line 3"),
    ];
    in_each("mistakes_are_reported_with_the_lines_of_the_users_code", |home, language, _| {
        let (_, script, line) = broken.iter().find(|it| it.0 == language).unwrap();
        let file = home.write("mistake", script);
        let from_file = home.stigmer(["run", "--lang", language, "--file"]).arg(&file).ended();
        assert!(from_file.err().contains(line) && from_file.err().contains("mistake"), "{}", from_file.err());
        let from_stdin = home.stigmer(["run", "--lang", language]).stdin(*script).ended();
        assert!(from_stdin.code() != 0 && from_stdin.err().contains(line), "{}", from_stdin.err());
    });
}

#[test]
fn python_finds_the_modules_beside_it_and_those_of_the_workspace() {
    if !is_there("python_finds_the_modules", "python3", is_installed("python3")) {
        return;
    }
    let home = Home::new();
    home.write("beside.py", "word = 'found'\n");
    let script = home.write("main.py", "import beside; print(beside.word)\n");
    let call = home.stigmer(["run", "--lang", "python", "--file"]).arg(&script);
    assert_eq!(call.ended().expect(0).out(), "found\n");
    let piped = home.stigmer(["run", "--lang", "python"]).stdin("import beside; print(beside.word)");
    assert_eq!(piped.ended().expect(0).out(), "found\n");
}

#[test]
fn node_finds_the_packages_of_the_workspace_for_require_and_import() {
    if !is_there("node_finds_the_packages", "node", is_installed("node")) {
        return;
    }
    let home = Home::new();
    home.write("node_modules/here/index.js", "module.exports = 'found'\n");
    for script in ["console.log(require('here'))", "import here from 'here';\nconsole.log(here)"] {
        let piped = home.stigmer(["run", "--lang", "javascript"]).stdin(script).ended().expect(0);
        assert_eq!(piped.out(), "found\n");
    }
    home.write("main.js", "console.log(require('here'))");
    let call = home.stigmer(["run", "--lang", "node", "--file", "main.js"]);
    assert_eq!(call.ended().expect(0).out(), "found\n");
}

#[test]
fn typescript_runs_or_says_what_to_install() {
    let home = Home::new();
    let ended =
        home.stigmer(["run", "--lang", "typescript"]).stdin("const a: number = 1;\nconsole.log(a)").ended();
    if ended.code() == 0 {
        assert_eq!(ended.out(), "1\n");
        return;
    }
    let ended = ended.expect(127).expect_error("interpreter-not-found");
    assert!(ended.err().contains("hint: install one of: tsx"), "{}", ended.err());
}

#[test]
fn typescript_uses_the_tsx_of_the_workspace() {
    let home = Home::new();
    let tsx = home.write("node_modules/.bin/tsx", "#!/bin/sh\necho \"tsx ${1##*/}\"\n");
    Command::new("chmod").arg("+x").arg(tsx).status().unwrap();
    home.write("job.ts", "");
    let call = home.stigmer(["run", "--lang", "ts", "--file", "job.ts"]);
    assert_eq!(call.ended().expect(0).out(), "tsx job.ts\n");
}

#[test]
fn a_missing_interpreter_is_named_with_what_to_install() {
    let home = Home::new();
    for (language, hint) in [("python", "python3"), ("javascript", "node, bun, deno"), ("bash", "bash")] {
        let call = home.stigmer(["run", "--lang", language]).stdin("1").env("PATH", home.path().join("bin"));
        let ended = call.ended().expect(127).expect_error("interpreter-not-found");
        assert!(ended.err().contains(language) && ended.err().contains(hint), "{}", ended.err());
    }
}

#[test]
fn the_interpreter_is_that_of_the_runs_path() {
    let home = Home::new();
    let python = home.write("tools/python3", "#!/bin/sh\necho my python\n");
    Command::new("chmod").arg("+x").arg(&python).status().unwrap();
    let path = format!("PATH={}:/usr/bin:/bin", python.parent().unwrap().display());
    let call = home.stigmer(["run", "--lang", "python", "-e", &path]).stdin("print()");
    assert_eq!(call.ended().expect(0).out(), "my python\n");
}

#[test]
fn a_script_that_cannot_be_read_is_named() {
    let home = Home::new();
    home.write("folder/file", "");
    symlink("nowhere", home.work().join("dangling")).unwrap();
    for file in ["missing.py", "folder", "dangling"] {
        let ended = home.stigmer(["run", "--lang", "python", "--file", file]).ended().expect(125);
        assert!(ended.expect_error("file-unreadable").err().contains(file));
    }
}

#[test]
fn a_script_of_other_bytes_or_of_too_many_is_refused() {
    let home = Home::new();
    let run = || home.stigmer(["run", "--lang", "bash"]);
    run().stdin(b"echo \xff".to_vec()).ended().expect(125).expect_error("file-unreadable");
    run().stdin(vec![b'#'; (16 << 20) + 1]).ended().expect(125).expect_error("usage");
    home.stigmer(["run", "--lang", "cobol"]).ended().expect(125);
    home.stigmer(["run", "--file", "x"]).ended().expect(125);
    assert!(home.history().is_empty());
}

#[test]
fn a_script_ends_with_its_caller_like_everything_else() {
    let home = Home::new();
    let script = "import subprocess\nsubprocess.run(['sleep', '1000'])\n";
    if is_there("a_script_ends_with_its_caller", "python3", is_installed("python3")) {
        let file = home.write("script.py", script);
        let running = home.stigmer(["run", "--lang", "python", "--file"]).arg(file).started();
        home.until_runs("sleep 1000");
        drop(running);
        home.until_nothing_runs();
    }
}

#[test]
fn the_ending_of_a_file_says_the_language() {
    let home = Home::new();
    home.write("job.py", "import sys; print('python', sys.argv[1:])");
    let ended = home.stigmer(["run", "--file", "job.py", "a", "-b"]).ended().expect(0);
    assert_eq!(ended.out(), "python ['a', '-b']\n");
    home.write("job.txt", "");
    home.stigmer(["run", "--file", "job.txt"]).ended().expect_error("usage");
}

#[test]
fn a_session_keeps_variables_is_listed_and_ends_when_it_is_told_to() {
    let test = "a_session_keeps_variables_is_listed_and_ends_when_it_is_told_to";
    if !is_there(test, "python3", is_installed("python3")) {
        return;
    }
    let home = Home::new();
    assert_eq!(home.stigmer(["session", "list", "--json"]).ended().expect(0).out(), "[]\n");
    home.stigmer(["run", "--session", "calc", "-c", "x = 6 * 7"]).ended().expect(0);
    let again = home.stigmer(["run", "--session", "calc", "--lang", "python", "a"]);
    let again = again.stdin("import sys; print(x, sys.argv[1:]); sys.exit(3)").ended().expect(3);
    assert_eq!((again.out().as_str(), again.err().as_str()), ("42 ['a']\n", ""));
    let listed = home.stigmer(["session", "list", "--json"]).ended().expect(0).out();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((listed[0]["name"].as_str(), listed.as_array().unwrap().len()), (Some("calc"), 1));
    let elsewhere = home.stigmer(["session", "end", "calc", "--workspace", "/"]).ended().expect(125);
    assert!(elsewhere.err().contains("[session-not-found]"), "{}", elsewhere.err());
    home.stigmer(["session", "end", "calc"]).ended().expect(0);
    let anew = home.stigmer(["run", "--verbose", "--session", "calc", "-c", "print('x' in globals())"]);
    let anew = anew.ended().expect(0);
    assert!(anew.out() == "False\n" && anew.err().contains("session `calc` begins"), "{}", anew.err());
    home.stigmer(["session", "end", "calc"]).ended().expect(0);
    for [option, value] in [["--session", "a b"], ["--code", "1"]] {
        home.stigmer(["run", option, value, "--", "x"]).ended().expect(125);
    }
}
