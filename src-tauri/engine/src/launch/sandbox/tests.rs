//! What a sandbox is made of, and what is refused.

use std::path::{Path, PathBuf};

use super::*;
use crate::config::{Environment, Sources, UserFile};
use crate::spec::{Code, Language, Sandbox, Text};

/// A home with a workspace in it, and settings.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for folder in ["home/.stigmer", "home/.aws", "home/project/src", "data"] {
            std::fs::create_dir_all(desk.path(folder)).unwrap();
        }
        desk
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(path)
    }

    fn recipe(&self, spec: &RunSpec, user: &str, project: &str) -> Result<Recipe> {
        std::fs::write(self.path("config.yaml"), user).unwrap();
        std::fs::write(self.path("home/project/.stigmer.yaml"), project).unwrap();
        let config = Config::load(&Sources {
            user: UserFile::Usual(self.path("config.yaml")),
            workspace: Some(spec.workspace.clone()),
            environment: Environment::default(),
            options: Vec::new(),
        });
        let (home, user_home) = (Home::at(self.path("home/.stigmer")), self.path("home"));
        let machine =
            Machine { home: &home, user_home: Some(&user_home), ids: (1000, 1000), memory: Some(8 << 30) };
        recipe(spec, &config.unwrap(), &machine)
    }

    fn spec(&self, line: &str) -> RunSpec {
        RunSpec::new(Work::Line { line: line.into(), shell: None }, self.path("home/project"))
    }

    fn with(&self, sandbox: Sandbox) -> RunSpec {
        let mut spec = self.spec("true");
        spec.target.sandbox = sandbox;
        spec
    }

    fn mount(&self, mount: &str) -> RunSpec {
        self.with(Sandbox { mounts: vec![mount.parse().unwrap()], ..Sandbox::default() })
    }
}

fn launch(spec: &RunSpec, recipe: Recipe) -> Result<Launch> {
    let sessions = crate::launch::Sessions::default();
    let around = Surroundings { folder: Path::new("/"), base: &[], secrets: &[], shell: None, sessions };
    resolve(RunId::new(), spec, recipe, &around)
}

#[test]
fn a_sandbox_is_strict_unless_it_is_told_otherwise() {
    let desk = Desk::new();
    let made = desk.recipe(&desk.spec("true"), "", "").unwrap();
    assert_eq!((made.user.as_str(), made.network, made.pids), ("1000:1000", Network::Bridge, 4096));
    assert_eq!((made.memory, made.cpus, made.hidden), (Some(6 << 30), None, None));
    assert!(made.loosened.is_empty() && made.mounts.is_empty());
}

#[test]
fn options_win_over_settings() {
    let desk = Desk::new();
    let settings = "sandbox: {image: mine:1, network: none, memory: 1 GiB, cpus: 2, ttl: 60}\n";
    let made = desk.recipe(&desk.spec("true"), settings, "").unwrap();
    assert_eq!((made.image.as_str(), made.network, made.memory), ("mine:1", Network::None, Some(1 << 30)));
    assert_eq!(made.supply.ttl, Some(Duration::from_mins(1)));
    let asked =
        Sandbox { image: Some("other".into()), memory: Some(1 << 20), cpus: Some(0.5), ..Sandbox::default() };
    let mut spec = desk.with(asked);
    spec.network = Some(Network::Host);
    let made = desk.recipe(&spec, settings, "").unwrap();
    assert_eq!((made.image.as_str(), made.network, made.memory), ("other", Network::Host, Some(1 << 20)));
    assert_eq!(
        (made.cpus, made.loosened),
        (Some(0.5), vec!["it shares the network of this machine".to_owned()])
    );
}

#[test]
fn credentials_are_only_ever_read() {
    let desk = Desk::new();
    for mount in ["~/.aws:/home/sandbox/.aws", "~/.aws:/aws:ro"] {
        let made = desk.recipe(&desk.mount(mount), "", "").unwrap();
        assert!(made.mounts[0].read_only && made.mounts[0].source == desk.path("home/.aws"), "{mount}");
    }
    let data = format!("{}:/data", desk.path("data").display());
    let made = desk.recipe(&desk.mount(&data), "", "").unwrap();
    assert!(!made.mounts[0].read_only && made.loosened[0].starts_with("it writes to "));
}

#[test]
fn what_would_hand_over_the_machine_is_not_mounted() {
    let desk = Desk::new();
    std::fs::write(desk.path("data/docker.sock"), "").unwrap();
    let data = desk.path("data/docker.sock");
    for mount in
        ["~/.stigmer:/x", "~:/x", "/:/x", "/run:/x", &format!("{}:/x", data.display()), "~/missing:/x"]
    {
        let error = desk.recipe(&desk.mount(mount), "", "").unwrap_err();
        assert_eq!((error.code(), error.hint().is_some()), ("mount-unusable", true), "{mount}");
    }
    assert!(desk.recipe(&desk.mount("~/.aws:/a/../etc"), "", "").is_err());
}

#[test]
fn a_project_shows_its_sandbox_nothing_but_itself() {
    let desk = Desk::new();
    let project =
        |mount: &str| desk.recipe(&desk.spec("true"), "", &format!("sandbox: {{mounts: ['{mount}']}}\n"));
    assert!(project("src:/src").is_ok());
    assert_eq!(project("~/.aws:/aws").unwrap_err().code(), "mount-unusable");
    let user = format!("sandbox: {{mounts: ['{}:/data']}}\n", desk.path("data").display());
    assert!(desk.recipe(&desk.spec("true"), &user, "").is_ok());
}

#[test]
fn our_own_data_is_hidden_from_a_workspace_that_has_it() {
    let desk = Desk::new();
    let spec = RunSpec { workspace: desk.path("home"), ..desk.spec("true") };
    assert_eq!(desk.recipe(&spec, "", "").unwrap().hidden.as_deref(), Some(Path::new(".stigmer")));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let desk = Desk::new();
    let mut spec = desk.with(Sandbox { ports: vec!["80".parse().unwrap()], ..Sandbox::default() });
    spec.network = Some(Network::None);
    assert_eq!(desk.recipe(&spec, "", "").unwrap_err().code(), "invalid-spec");
    for image in ["", " ", "a b", "--privileged"] {
        let spec = desk.with(Sandbox { image: Some(image.to_owned()), ..Sandbox::default() });
        assert_eq!(desk.recipe(&spec, "", "").unwrap_err().code(), "invalid-spec", "{image:?}");
    }
}

#[test]
fn paths_of_the_workspace_are_those_of_the_sandbox() {
    let desk = Desk::new();
    let dir = |workdir: Option<PathBuf>| {
        let spec = RunSpec { workdir, ..desk.spec("true") };
        let made = desk.recipe(&spec, "", "").unwrap();
        launch(&spec, made).map(|launch| launch.dir)
    };
    assert_eq!(dir(None).unwrap(), Path::new("/workspace"));
    assert_eq!(dir(Some("src".into())).unwrap(), Path::new("/workspace/src"));
    assert_eq!(dir(Some(desk.path("home/project/src"))).unwrap(), Path::new("/workspace/src"));
    assert_eq!(dir(Some(desk.path("data"))).unwrap_err().code(), "outside-workspace");
    assert_eq!(dir(Some("src/../..".into())).unwrap_err().code(), "outside-workspace");
    assert_eq!(dir(Some("missing".into())).unwrap_err().code(), "folder-unusable");
}

#[test]
fn nothing_of_the_users_own_environment_comes_along() {
    let desk = Desk::new();
    let mut spec = desk.spec("true");
    spec.env.base = crate::spec::Base::Caller(vec![("SECRET".into(), "x".into())]);
    spec.env.set.insert("SET".into(), Some("y".into()));
    let made = desk.recipe(&spec, "", "").unwrap();
    let launch = launch(&spec, made).unwrap();
    assert_eq!(launch.env, [(Text::from("SET"), Text::from("y"))]);
}

#[test]
fn code_without_a_file_comes_along_and_a_file_is_named_as_it_is_there() {
    let desk = Desk::new();
    let script = |code| {
        let work = Work::Script { language: Language::Python, code, args: vec!["a b".into()] };
        let spec = RunSpec { work, ..desk.spec("") };
        let made = desk.recipe(&spec, "", "").unwrap();
        launch(&spec, made)
    };
    let inline = script(Code::Inline { text: "print(1)".to_owned() }).unwrap();
    let path = format!("/tmp/stigmer-{}/script.py", inline.id);
    assert_eq!(inline.argv, ["python3", &path, "a b"].map(Text::from));
    assert_eq!(inline.script.unwrap().code.as_slice(), b"print(1)");
    let file = script(Code::File { path: desk.path("home/project/src/job.py") }).unwrap();
    assert_eq!(file.argv[1], Text::from("/workspace/src/job.py"));
    assert_eq!(
        script(Code::File { path: desk.path("data/job.py") }).unwrap_err().code(),
        "outside-workspace"
    );
}
