//! The key is nowhere: in no output, log, file, argument or environment, whatever happens and however much is logged.

use std::fs;
use std::path::Path;

use daytona_double::{Double, Effect, Fault, Options};
use nix::sys::signal::Signal;

use crate::harness::call::Ended;
use crate::harness::{Call, Home, is_there, until};

/// A key as long as real ones are, that no other test has.
fn key_of(test: &str) -> String {
    let name = test.bytes().rev().take(24).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("dtn_{:08x}{name}", std::process::id())
}

/// Where the key is, for those who may know it.
#[derive(Clone, Copy, PartialEq)]
enum Kept {
    /// In the user's file.
    File,
    /// In the environment of what the user starts.
    Environment,
}

/// A home, its cloud, and everything that was said in it.
struct Place {
    home: Home,
    double: Double,
    key: String,
    kept: Kept,
    /// The process that carries the runs out, where that is a server.
    server: Option<i32>,
    said: Vec<String>,
}

impl Place {
    fn new(test: &str, kept: Kept) -> Option<Self> {
        let possible = daytona_double::possible();
        let why = possible.as_ref().err().map_or_else(String::new, ToString::to_string);
        if !is_there(test, &why, possible.is_ok()) {
            return None;
        }
        let home = Home::without_server();
        let key = key_of(test);
        let double = Double::start(Options { key: key.clone(), ..Options::quick() });
        let setting = if kept == Kept::File { format!("api_key: {key}, ") } else { String::new() };
        let text = format!("mode: daytona\ndaytona: {{ {setting}api_url: '{}' }}\n", double.url());
        fs::create_dir_all(home.data()).unwrap();
        fs::write(home.data().join("config.yaml"), text).unwrap();
        Some(Self { home, double, key, kept, server: None, said: Vec::new() })
    }

    /// A call that logs everything there is.
    fn call<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Call {
        let call = self.home.stigmer(args).env("STIGMER_LOG", "trace");
        if self.kept == Kept::Environment { call.env("DAYTONA_API_KEY", &self.key) } else { call }
    }

    fn until_nothing_runs(&self) {
        let others = || self.home.processes().into_keys().filter(|pid| Some(*pid) != self.server).count();
        until("only the server is left", || others() == 0, || format!("{:?}", self.home.processes()));
    }

    fn hear(&mut self, what: &str, ended: &Ended) {
        self.said.push(format!("{what}: {}\n{}", ended.out(), ended.err()));
    }

    #[track_caller]
    fn ends(&mut self, code: i32, args: &[&str]) -> String {
        let ended = self.call(args.iter().copied()).ended().expect(code);
        self.hear(&args.join(" "), &ended);
        ended.out()
    }

    /// Lets this fail with the header of the key in the answer, and tries it.
    #[track_caller]
    fn fails(&mut self, method: &str, path: &str, status: u16, args: &[&str]) {
        let echo = format!("what do you want with Authorization: Bearer {}?", self.key);
        self.double.fault(Fault::always(method, path, Effect::refuse(status, &echo)));
        self.ends(125, args);
        let last = self.said.last().unwrap();
        assert!(last.contains("what do you want"), "it was told: {last}");
        self.double.clear_faults();
    }

    /// Everything that a user does, and that goes wrong.
    fn use_everything(&mut self) {
        let own = "env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'";
        self.ends(0, &["run", "--verbose", own]);
        self.ends(0, &["run", "--env", "A=b", "--fresh", "--bring-back", "echo $A >made"]);
        self.ends(3, &["run", "--json", "exit 3"]);
        self.ends(0, &["run", "--dry-run", "--json", "true"]);
        self.ends(0, &["run", "--detach", "echo later"]);
        self.until_nothing_runs();
        for args in [
            &["runs", "show"][..],
            &["runs", "--json"],
            &["runs", "logs"],
            &["config", "list"],
            &["auth", "status"],
            &["snapshot", "create", "tools", "--image", "registry.example.com/tools:1"],
            &["snapshot", "list"],
            &["snapshot", "show", "tools"],
            &["snapshot", "rm", "--yes", "tools"],
        ] {
            self.ends(0, args);
        }
        self.fails("*", "/api/sandbox*", 401, &["run", "--fresh", "true"]);
        self.fails("POST", "/api/sandbox", 500, &["run", "--fresh", "true"]);
        self.fails("GET", "/api/snapshots", 500, &["snapshot", "list"]);
        self.fails("*", "*/user-home-dir", 403, &["run", "--fresh", "true"]);
        self.fails("*", "*/create-connect", 500, &["run", "--fresh", "true"]);
        self.fails("*", "/api/*", 429, &["run", "--fresh", "true"]);
    }

    /// Fails if the key is in what was said, in a file, in a process, or in what the cloud was asked outside of its header.
    #[track_caller]
    fn nobody_knows(&self, may_know: &[i32]) {
        for said in &self.said {
            assert!(!said.contains(&self.key), "{}", around(said, &self.key));
        }
        let files = files_with(&self.key, self.home.path());
        let own: Vec<_> = files.iter().filter(|path| !path.ends_with("data/config.yaml")).collect();
        assert!(own.is_empty(), "{own:?}");
        let processes = processes_with(&self.key, may_know);
        assert!(processes.is_empty(), "{processes:?}");
        for one in self.double.requests() {
            let told = format!("{one:?}");
            assert!(!told.contains(&self.key), "{told}");
        }
    }
}

/// The end of what was said before the key.
fn around(said: &str, key: &str) -> String {
    let at = said.find(key).unwrap_or_default();
    String::from_utf8_lossy(&said.as_bytes()[at.saturating_sub(500)..at]).into_owned()
}

fn has(key: &str, path: &Path) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    bytes.windows(key.len()).any(|window| window == key.as_bytes())
}

fn files_with(key: &str, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            found.extend(files_with(key, &path));
        } else if kind.is_file() && has(key, &path) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Processes that were told the key, but for those that may know it.
fn processes_with(key: &str, may_know: &[i32]) -> Vec<String> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        if pid.is_none_or(|pid| may_know.contains(&pid)) {
            continue;
        }
        let told = ["cmdline", "environ"].into_iter().filter(|name| has(key, &process.path().join(name)));
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        found.extend(told.map(|name| format!("{name}: {}", String::from_utf8_lossy(&line))));
    }
    found
}

/// Does everything, and looks while a run goes on and afterwards.
fn try_everything(place: &mut Place) {
    place.use_everything();
    let run = place.call(["run", "echo began; sleep 1000"]).started();
    run.until_stdout("began\n");
    // What the user starts has what the user set.
    let in_environment = place.kept == Kept::Environment;
    place.nobody_knows(&if in_environment { vec![run.pid()] } else { Vec::new() });
    run.signal(Signal::SIGINT);
    let ended = run.ended().expect(130);
    place.hear("the run that went on", &ended);
    let detached = place.ends(0, &["run", "--detach", "echo began; sleep 1000"]);
    let hosts = || place.home.processes().into_keys().collect();
    place.nobody_knows(&if in_environment { hosts() } else { Vec::new() });
    place.ends(0, &["runs", "cancel", "--force", detached.trim()]);
    place.until_nothing_runs();
    place.nobody_knows(&[]);
}

#[test]
fn a_key_in_the_users_file_is_nowhere_else() {
    let Some(mut place) = Place::new("a_key_in_the_users_file_is_nowhere_else", Kept::File) else { return };
    try_everything(&mut place);
}

#[test]
fn a_key_in_the_environment_is_nowhere_else() {
    let Some(mut place) = Place::new("a_key_in_the_environment_is_nowhere_else", Kept::Environment) else {
        return;
    };
    try_everything(&mut place);
}

#[test]
fn a_server_that_has_the_key_tells_nobody() {
    let Some(mut place) = Place::new("a_server_that_has_the_key_tells_nobody", Kept::File) else { return };
    let server = place.call(["server", "start", "--port", "0"]).started();
    server.until_stdout("\n");
    place.server = Some(server.pid());
    try_everything(&mut place);
    server.signal(Signal::SIGINT);
    let ended = server.ended().expect(0);
    assert!(ended.err().contains("POST /sandbox"), "it was the server that asked: {}", ended.err());
    place.hear("the server", &ended);
    place.nobody_knows(&[]);
}
