//! Interpreters that outlive their runs: what stays, what ends, and what never does.

#![expect(clippy::unwrap_used, reason = "a failed test says where")]

mod harness;

use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use harness::{DEADLINE, Marker, Runner, eventually, numbers, program, run};
use stigmer_runner::protocol::{OWN, RUN_ID};
use stigmer_runner::{Exit, Guard, Interpreter, Refusal, Reply, Request, Signal, Size, Start, Stream};

/// An interpreter of its own for each test, which ends with it.
struct Desk {
    folder: tempfile::TempDir,
    marker: Marker,
    idle_ms: u32,
    memory: u64,
    owner: Option<UnixStream>,
}

impl Desk {
    fn new(test: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, marker: Marker::new(test), idle_ms: 60_000, memory: 0, owner: None }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s/socket")
    }

    /// A run of this code in the interpreter.
    fn code(&self, code: &str) -> Start {
        let number = std::fs::read_dir(self.folder.path()).unwrap().count();
        let path = self.folder.path().join(format!("script{number}.py"));
        std::fs::write(&path, code).unwrap();
        let start = program([b"python3".as_slice(), path.as_os_str().as_bytes()]);
        let socket = serde_bytes::ByteBuf::from(self.socket().as_os_str().as_bytes());
        let interpreter = Interpreter { socket, memory: self.memory, idle_ms: self.idle_ms };
        self.marker.on(Start { interpreter: Some(Box::new(interpreter)), ..start })
    }

    fn run(&mut self, code: &str) -> Runner {
        let runner = run(self.code(code));
        self.own();
        runner
    }

    fn start(&mut self, start: Start) -> Runner {
        let mut runner = Runner::start(start);
        runner.until_started();
        self.own();
        runner
    }

    /// Has the interpreter end with the test.
    fn own(&mut self) {
        if self.owner.is_none()
            && let Ok(mut owner) = UnixStream::connect(self.socket())
        {
            owner.write_all(&[OWN]).unwrap();
            self.owner = Some(owner);
        }
    }

    /// What a run says that must succeed.
    fn says(&mut self, code: &str) -> String {
        let mut runner = self.run(code);
        assert_eq!(runner.until_exited(), Exit::Code(0), "{}", runner.text());
        runner.text()
    }
}

fn is_new(runner: &Runner) -> bool {
    let told = runner.replies.iter().find_map(|reply| match reply {
        Reply::Interpreter { is_new } => Some(*is_new),
        _ => None,
    });
    told.expect("the runner says whether the interpreter is new")
}

#[test]
fn variables_functions_and_modules_live_on_and_the_first_run_says_that_it_is_the_first() {
    let mut desk = Desk::new("live-on");
    let first = desk.run("import math\nx = 40\ndef add(n):\n    return x + n\n");
    assert!(is_new(&first));
    let mut second = desk.run("print(add(2), math.floor(2.5), __name__)");
    assert_eq!((second.text().as_str(), is_new(&second)), ("42 2 __main__\n", false));
    assert_eq!(second.until_exited(), Exit::Code(0));
}

#[test]
fn the_streams_of_a_run_are_the_scripts_own_and_those_of_what_it_starts() {
    let mut desk = Desk::new("streams");
    let mut start = desk.code(
        "import os, subprocess, sys\nfor line in sys.stdin: print(line.strip().upper())\n\
         print('oops', file=sys.stderr)\nsubprocess.run(['sh', '-c', 'echo child; cat'])\nos.write(1, b'\\xff\\0raw')",
    );
    start.input = true;
    let mut runner = desk.start(start);
    runner.input("a\nb\n");
    runner.send(&Request::EndInput);
    runner.until_ended();
    assert_eq!(runner.written_to(Stream::Stdout), b"A\nB\nchild\n\xff\0raw");
    assert_eq!(runner.written_to(Stream::Stderr), b"oops\n");
    // The next run gets nothing of it.
    assert_eq!(desk.says("print('next')"), "next\n");
}

#[test]
fn lines_come_when_they_are_printed() {
    let mut desk = Desk::new("at-once");
    let gate = desk.folder.path().join("gate");
    let mut runner = desk.start(desk.code(&format!(
        "print('first')\nimport os, time\nwhile not os.path.exists({gate:?}): time.sleep(0.01)\nprint('last')"
    )));
    runner.until_output("first\n");
    std::fs::write(gate, "").unwrap();
    runner.until_ended();
    assert_eq!(runner.text(), "first\nlast\n");
}

#[test]
fn many_bytes_arrive_whole() {
    let mut desk = Desk::new("many");
    assert_eq!(desk.says("for n in range(1, 200001): print(n)"), numbers(200_000));
}

#[test]
fn a_script_ends_with_its_exit_code_and_the_interpreter_goes_on() {
    let mut desk = Desk::new("exits");
    desk.says("kept = 'kept'");
    for (code, exit, says) in [
        ("import sys; sys.exit(7)", 7, ""),
        ("exit()", 0, ""),
        ("raise SystemExit('a reason')", 1, "a reason"),
        ("1/0", 1, "ZeroDivisionError"),
        ("def broken(:", 1, "SyntaxError"),
    ] {
        let mut runner = desk.run(code);
        assert_eq!(runner.until_exited(), Exit::Code(exit), "{code}");
        assert!(runner.text().contains(says) && !runner.text().contains("session.py"), "{}", runner.text());
    }
    assert_eq!(desk.says("print(kept)"), "kept\n");
}

#[test]
fn an_error_shows_the_lines_of_scripts_that_are_gone() {
    let mut desk = Desk::new("lines");
    desk.says("def fails():\n    raise ValueError('from before')\n");
    for script in std::fs::read_dir(desk.folder.path()).unwrap().flatten() {
        let _ = std::fs::remove_file(script.path());
    }
    let runner = desk.run("fails()");
    assert!(runner.text().contains("raise ValueError('from before')"), "{}", runner.text());
}

#[test]
fn an_interrupt_ends_the_script_and_what_it_waits_for_and_keeps_the_variables() {
    let mut desk = Desk::new("interrupt");
    for code in [
        "kept = 1\nprint('on')\nwhile True: pass",
        "import time\nprint('on')\ntime.sleep(1000)",
        "import subprocess\nprint('on')\nsubprocess.run(['sleep', '1000'])",
    ] {
        let mut runner = desk.start(desk.code(code));
        runner.until_output("on\n");
        runner.stop(Signal::Interrupt, DEADLINE);
        runner.until_ended();
        assert_eq!(runner.until_exited(), Exit::Code(130), "{}", runner.text());
        assert!(runner.text().contains("KeyboardInterrupt"), "{}", runner.text());
    }
    assert_eq!(desk.says("print(kept)"), "1\n");
}

#[test]
fn a_script_that_ignores_everything_is_ended_with_its_interpreter_and_the_next_is_a_new_one() {
    let mut desk = Desk::new("stubborn");
    let mut runner = desk.start(desk.code(
        "import signal, subprocess\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n\
         subprocess.Popen(['sh', '-c', 'trap \"\" INT TERM; setsid sleep 1000'])\nprint('on')\nwhile True: pass",
    ));
    runner.until_output("on\n");
    runner.stop(Signal::Terminate, Duration::ZERO);
    runner.until_ended();
    // Whoever is told that the run is over may rely on it.
    assert_eq!(desk.marker.alive(), []);
    desk.owner = None;
    assert!(is_new(&desk.run("print('anew')")));
}

#[test]
fn what_a_script_started_ends_with_it_when_it_is_stopped_and_the_interpreter_stays() {
    let mut desk = Desk::new("background");
    desk.says("kept = 1");
    let alone = desk.marker.alive();
    let start = |desk: &Desk| {
        let mut start = desk.code(
            "import subprocess, time\nsubprocess.Popen(['setsid', 'sleep', '1000'])\nprint('on')\ntime.sleep(1000)",
        );
        start.env.push(harness::variable(RUN_ID, "this-run"));
        start
    };
    for grace in [DEADLINE, Duration::ZERO] {
        let mut runner = desk.start(start(&desk));
        runner.until_output("on\n");
        runner.stop(Signal::Interrupt, grace);
        runner.until_ended();
        assert_eq!(desk.marker.alive(), alone);
    }
    assert_eq!(desk.says("print(kept)"), "1\n");
}

#[test]
fn an_engine_that_goes_interrupts_its_script_and_the_interpreter_goes_on() {
    let mut desk = Desk::new("engine-goes");
    desk.says("kept = 1");
    let mut runner = desk.start(desk.code("kept = 2\nprint('on')\nwhile True: pass"));
    runner.until_output("on\n");
    drop(runner);
    let next = desk.run("print(kept)");
    assert_eq!(next.written_to(Stream::Stdout), b"2\n", "{}", next.text());
}

#[test]
fn an_interpreter_that_is_killed_or_ends_itself_is_told_and_leaves_nothing() {
    let mut desk = Desk::new("dies");
    for (code, exit) in [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Exit::Signal(9)),
        ("import os; os._exit(4)", Exit::Code(4)),
        ("import ctypes; ctypes.string_at(0)", Exit::Signal(11)),
    ] {
        let mut runner = desk.run(code);
        assert_eq!(runner.until_exited(), exit, "{}", runner.text());
        assert!(runner.text().contains("its variables are gone"), "{}", runner.text());
        desk.marker.until_none_is_alive();
        desk.owner = None;
        eventually("its folder is gone", || (!desk.folder.path().join("s").exists()).then_some(()));
    }
}

#[test]
fn runs_of_one_interpreter_come_one_after_another_and_one_that_waits_says_so() {
    let mut desk = Desk::new("queue");
    let gate = desk.folder.path().join("gate");
    let mut first = desk.start(desk.code(&format!(
        "import os, time\nprint('first')\nwhile not os.path.exists({gate:?}): time.sleep(0.01)\ndone = True"
    )));
    first.until_output("first\n");
    let mut second = desk.start(desk.code("print(done)"));
    second.until_output("waiting for another run");
    // One that gives up waiting is not run.
    let mut third = desk.start(desk.code("done = 'spoilt'"));
    third.until_output("waiting for another run");
    third.stop(Signal::Terminate, Duration::ZERO);
    third.until_ended();
    std::fs::write(gate, "").unwrap();
    second.until_ended();
    assert_eq!(second.written_to(Stream::Stdout), b"True\n");
    assert_eq!(desk.says("print(done)"), "True\n");
}

#[test]
fn variables_and_the_folder_are_those_of_the_run_and_what_a_script_changed_stays() {
    let mut desk = Desk::new("surroundings");
    let with = |mut start: Start, value: &str| {
        start.env.push(harness::variable("GIVEN", value));
        start.env.push(harness::variable(RUN_ID, "0123"));
        start
    };
    let shows = "import os; print(os.environ.get('GIVEN'), os.environ.get('OWN'), os.getcwd(), os.environ.get('STIGMER_RUN_ID'))";
    let code = format!("{shows}\nos.environ['OWN'] = 'mine'; os.chdir('/tmp')");
    assert_eq!(run(with(desk.code(&code), "one")).text(), "one None / 0123\n");
    desk.own();
    assert_eq!(run(with(desk.code(shows), "two")).text(), "two mine /tmp 0123\n");
    assert_eq!(desk.says(shows), "None mine /tmp None\n");
    // What ends a run by its variable does not end the interpreter.
    let pid: u32 = desk.says("print(os.getpid())").trim().parse().unwrap();
    let env = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(!env.windows(RUN_ID.len()).any(|window| window == RUN_ID.as_bytes()));
}

#[test]
fn arguments_arrive_as_they_are() {
    let mut desk = Desk::new("arguments");
    let mut start = desk.code("import os, sys; os.write(1, b'|'.join(map(os.fsencode, sys.argv[1:])))");
    let given: [&[u8]; 4] = [b"", b"a b", b"-x", b"\xff\n"];
    start.argv.extend(given.iter().map(|argument| argument.to_vec().into()));
    assert_eq!(run(start).all(), given.join(&b'|'));
    desk.own();
}

#[test]
fn a_script_may_have_a_terminal() {
    let mut desk = Desk::new("terminal");
    let code = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty()); print(input('name? '))";
    let size = Some(Size { cols: 80, rows: 24 });
    let mut runner = desk.start(Start { terminal: size, input: true, ..desk.code(code) });
    runner.until_output("name? ");
    runner.input("me\n");
    runner.until_ended();
    assert!(runner.text().contains("True True") && runner.text().ends_with("me\r\n"), "{:?}", runner.text());
}

#[test]
fn it_ends_when_nobody_called_for_its_time_and_with_the_app_that_owns_it() {
    let mut desk = Desk::new("idle");
    desk.idle_ms = 1;
    run(desk.code("x = 1"));
    desk.marker.until_none_is_alive();
    eventually("its folder is gone", || (!desk.folder.path().join("s").exists()).then_some(()));
    desk.idle_ms = 0xffff_ffff;
    desk.says("x = 1");
    desk.marker.until_alive(1);
    desk.owner = None;
    desk.marker.until_none_is_alive();
}

#[test]
fn callers_at_the_moment_of_its_end_are_served_by_it_or_by_the_next() {
    let mut desk = Desk::new("edge");
    desk.idle_ms = 1;
    for _ in 0..50 {
        let mut runner = run(desk.code("print('served')"));
        assert_eq!((runner.until_exited(), runner.text().as_str()), (Exit::Code(0), "served\n"));
    }
    desk.marker.until_none_is_alive();
}

#[test]
fn memory_has_a_bound_that_the_script_is_told() {
    let mut desk = Desk::new("memory");
    desk.memory = 256 << 20;
    let mut runner = desk.run("kept = 1\nx = bytearray(512 << 20)");
    assert_eq!(runner.until_exited(), Exit::Code(1));
    assert!(runner.text().contains("MemoryError"), "{}", runner.text());
    assert_eq!(desk.says("print(kept)"), "1\n");
}

#[test]
fn the_guard_holds_for_the_interpreter() {
    let mut desk = Desk::new("guard");
    let allowed = tempfile::tempdir().unwrap();
    let guard = |start: Start| {
        let writable = [allowed.path().as_os_str().as_bytes(), b"/dev"];
        let writable = writable.map(serde_bytes::ByteBuf::from).into();
        Start { guard: Some(Guard { writable, network: true }), ..start }
    };
    let runner = run(guard(desk.code("open('/tmp/stigmer-must-not-be-written', 'w')")));
    if runner.replies.iter().any(|reply| matches!(reply, Reply::NotStarted { refusal: Refusal::Guard, .. })) {
        let is_required = std::env::var("STIGMER_TEST_REQUIRE_ALL").is_ok_and(|value| value == "1");
        assert!(!is_required, "this kernel has no Landlock, and nothing may be skipped");
        eprintln!("SKIPPED: the_guard_holds_for_the_interpreter: this kernel has no Landlock");
        return;
    }
    desk.own();
    assert!(runner.text().contains("PermissionError"), "{}", runner.text());
    let path = allowed.path().join("x");
    assert_eq!(desk.says(&format!("print(open({path:?}, 'w').write('ok'))")), "2\n");
}

#[test]
fn no_python_is_told_as_a_program_that_was_not_found() {
    let desk = Desk::new("none");
    let mut start = desk.code("pass");
    start.env = vec![harness::variable("PATH", "/nowhere")];
    let mut runner = Runner::start(start);
    while runner.read_more() {}
    assert!(matches!(runner.replies.last(), Some(Reply::NotStarted { refusal: Refusal::NotFound, .. })));
    assert!(!desk.folder.path().join("s").exists());
}

#[test]
fn a_child_that_a_script_forks_does_not_take_its_place() {
    let mut desk = Desk::new("fork");
    let runner = desk.run("import os\npid = os.fork()\nif pid: print('waited', os.waitpid(pid, 0)[1])");
    assert_eq!(runner.text(), "waited 0\n");
    assert_eq!(desk.says("print('still one')"), "still one\n");
}
