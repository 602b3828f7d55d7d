//! What is refused, and what a backend is given.

use super::*;

fn spec(work: Work, workspace: &Path) -> RunSpec {
    RunSpec::new(work, workspace)
}

fn line(line: &str) -> Work {
    Work::Line { line: line.into(), shell: None }
}

fn around<'a>(folder: &'a Path, base: &'a [(Text, Text)]) -> Surroundings<'a> {
    Surroundings { folder, base, secrets: &[], shell: None, sessions: Sessions::default() }
}

#[test]
fn what_can_never_run_is_refused_with_a_hint() {
    let root = Path::new("/");
    let empty_program = Work::Program { argv: vec!["".into()] };
    let nul = Work::Program { argv: vec!["echo".into(), "a\0b".into()] };
    let empty_script =
        Work::Script { language: Language::Bash, code: Code::Inline { text: " \n".into() }, args: vec![] };
    for work in [line(""), line(" \n\t"), Work::Program { argv: vec![] }, empty_program, nul, empty_script] {
        let error = check(&spec(work.clone(), root)).unwrap_err();
        assert_eq!((error.code(), error.hint().is_some()), ("invalid-spec", true), "{work:?}");
    }
    let mut bad_name = spec(line("true"), root);
    bad_name.env.set.insert("A=B".into(), Some("x".into()));
    assert!(check(&bad_name).is_err());
    assert!(check(&spec(line("true"), Path::new("relative"))).is_err());
    assert!(check(&spec(line("true"), root)).is_ok());
}

#[test]
fn the_app_keeps_its_key_to_itself_and_what_is_set_wins() {
    let folder = tempfile::tempdir().unwrap();
    let base = [("A", "base"), ("B", "base"), ("C", "base"), ("DAYTONA_API_KEY", "dtn_secret")]
        .map(|(name, value)| (Text::from(name), Text::from(value)));
    let secrets = ["B", "C"].map(|name| (name.to_owned(), Secret::new("secret").unwrap()));
    let mut spec = spec(line("true"), folder.path());
    spec.env.set.insert("C".into(), Some("set".into()));
    let around = Surroundings { secrets: &secrets, ..around(folder.path(), &base) };
    let env: BTreeMap<_, _> = resolve(RunId::new(), &spec, &around).unwrap().env.into_iter().collect();
    let value = |name: &str| env.get(&Text::from(name)).map(|value| value.lossy().into_owned());
    assert_eq!(value("A").as_deref(), Some("base"));
    assert_eq!(value("B").as_deref(), Some("secret"));
    assert_eq!(value("C").as_deref(), Some("set"));
    assert_eq!(value("DAYTONA_API_KEY"), None);
    assert_eq!(value("PWD").as_deref(), folder.path().to_str());
}

#[test]
fn a_workspace_that_is_missing_or_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for workspace in [folder.path().join("missing"), file] {
        let error =
            resolve(RunId::new(), &spec(line("true"), &workspace), &around(folder.path(), &[])).unwrap_err();
        assert_eq!(error.code(), "folder-unusable");
        assert!(error.to_string().contains(workspace.to_str().unwrap()));
    }
}

#[test]
fn a_language_without_an_interpreter_says_what_would_do() {
    let folder = tempfile::tempdir().unwrap();
    for language in Language::ALL {
        let work = Work::Script { language, code: Code::Inline { text: "1".into() }, args: vec![] };
        let nowhere = [("PATH".into(), Text::from("/no/such/folder"))];
        let error =
            resolve(RunId::new(), &spec(work, folder.path()), &around(folder.path(), &nowhere)).unwrap_err();
        assert_eq!(error.code(), "interpreter-not-found");
        assert!(error.hint().unwrap().starts_with("install one of: "));
    }
}

#[test]
fn code_with_imports_is_given_to_node_as_a_module() {
    let folder = tempfile::tempdir().unwrap();
    for (text, ending) in [
        ("import fs from 'fs'\n1", "mjs"),
        ("import{a} from 'a'", "mjs"),
        ("export const a = 1", "mjs"),
        ("const important = 1", "js"),
        ("import('x')", "js"),
    ] {
        let code = Code::Inline { text: text.to_owned() };
        let script = language::Script {
            language: Language::Javascript,
            code: &code,
            dir: folder.path(),
            folder: folder.path(),
        };
        let path = [("PATH".into(), std::env::var_os("PATH").unwrap().into())];
        let argv = script.command(&mut BTreeMap::from(path)).unwrap();
        assert!(argv.last().unwrap().lossy().ends_with(&format!("script.{ending}")), "{text}");
    }
}
