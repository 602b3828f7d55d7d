//! A specification comes back from JSON and from the history as it was, whatever its text is made of.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::history::History;
use crate::home::Home;
use crate::state::{Place, RunRecord, RunState};

fn bytes() -> impl Strategy<Value = OsString> {
    let text = any::<String>().prop_map(OsString::from);
    let any_bytes = prop::collection::vec(any::<u8>(), 0..20).prop_map(OsString::from_vec);
    prop_oneof![text, any_bytes]
}

fn text() -> impl Strategy<Value = Text> {
    bytes().prop_map(Text::from)
}

fn path() -> impl Strategy<Value = PathBuf> {
    bytes().prop_map(PathBuf::from)
}

fn texts() -> impl Strategy<Value = Vec<Text>> {
    prop::collection::vec(text(), 0..5)
}

fn work() -> impl Strategy<Value = Work> {
    let code = prop_oneof![
        path().prop_map(|path| Code::File { path }),
        any::<String>().prop_map(|text| Code::Inline { text }),
    ];
    let script = (prop::sample::select(&Language::ALL[..]), code, texts());
    prop_oneof![
        (text(), of(path())).prop_map(|(line, shell)| Work::Line { line, shell }),
        texts().prop_map(|argv| Work::Program { argv }),
        script.prop_map(|(language, code, args)| Work::Script { language, code, args }),
    ]
}

fn environment() -> impl Strategy<Value = Environment> {
    let variables = prop::collection::vec((text(), text()), 0..5);
    let base = prop_oneof![Just(Base::LoginShell), variables.prop_map(Base::Caller)];
    (base, prop::collection::btree_map(any::<String>(), of(text()), 0..5))
        .prop_map(|(base, set)| Environment { base, set })
}

fn limits() -> impl Strategy<Value = Limits> {
    (of(any::<Duration>()), any::<Duration>()).prop_map(|(timeout, grace)| Limits { timeout, grace })
}

fn specifications() -> impl Strategy<Value = RunSpec> {
    let modes = [Mode::Local, Mode::Sandbox, Mode::Daytona, Mode::Auto];
    let origins = [Origin::CommandLine, Origin::Window, Origin::Tray, Origin::Api, Origin::Agent];
    let terminal = any::<(u16, u16)>().prop_map(|(cols, rows)| Input::Terminal { cols, rows });
    let words = || prop::collection::vec(any::<String>(), 0..4);
    let place = (work(), of(prop::sample::select(modes.to_vec())), path(), of(path()));
    let more = (
        environment(),
        words(),
        prop_oneof![Just(Input::Closed), Just(Input::Piped), terminal],
        limits(),
        prop::sample::select(origins.to_vec()),
        words(),
        of(any::<u128>().prop_map(|id| RunId(uuid::Uuid::from_u128(id)))),
    );
    (place, more).prop_map(|((work, mode, workspace, workdir), more)| {
        let (env, secrets, input, limits, origin, labels, rerun_of) = more;
        let target = Target { mode, ..Target::default() };
        RunSpec {
            target,
            workdir,
            env,
            secrets,
            input,
            limits,
            origin,
            labels,
            rerun_of,
            ..RunSpec::new(work, workspace)
        }
    })
}

proptest! {
    #[test]
    fn a_specification_comes_back_from_json_as_it_was(spec in specifications()) {
        let json = serde_json::to_string(&spec).unwrap();
        prop_assert_eq!(serde_json::from_str::<RunSpec>(&json).unwrap(), spec);
    }

    #[test]
    fn what_is_kept_of_a_specification_has_its_names_and_no_value(spec in specifications()) {
        let kept = spec.without_values();
        prop_assert_eq!(&kept.env.base, &Base::LoginShell);
        prop_assert!(kept.env.set.keys().eq(spec.env.set.keys()));
        prop_assert!(kept.env.set.values().all(Option::is_none));
        prop_assert_eq!(RunSpec { env: spec.env.clone(), ..kept }, spec);
    }
}

#[test]
fn a_specification_comes_back_from_the_history_as_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let history = History::open(&home).unwrap().history;
    proptest!(|(spec in specifications())| {
        let record = RunRecord {
            id: RunId::new(),
            spec: spec.without_values(),
            place: Place { mode: Mode::Local, reason: String::new(), rule: String::new(), program: None, sandbox: None, cloud: None },
            state: RunState::Queued,
            created: jiff::Timestamp::UNIX_EPOCH,
            started: None,
            bytes: 0,
            pinned: false,
            host: uuid::Uuid::nil(),
        };
        history.insert(&record).unwrap();
        prop_assert_eq!(history.get(record.id).unwrap(), record);
    });
}
