//! What Daytona answers when it fails, before a run and at its end: told as what it is, with what to do, and nothing is left.

use std::time::Duration;

use daytona_double::{Effect, Fault, Options};
use stigmer_daytona::Limits;
use stigmer_engine::engine::Engine;
use stigmer_engine::error::Report;
use stigmer_engine::live::Stop;
use stigmer_engine::spec::Sandbox;

use crate::common::{until, within};
use crate::sky::{Sky, fresh, refused, succeeds};

/// What fails, and what the run ends with.
struct Case {
    name: &'static str,
    effect: Effect,
    code: &'static str,
    /// Part of the hint.
    hint: &'static str,
}

impl Case {
    /// Whether what was asked is done, and only its answer lost.
    fn is_done(&self) -> bool {
        matches!(self.effect, Effect::Cut { .. } | Effect::Stall { .. })
    }
}

fn case(name: &'static str, effect: Effect, code: &'static str, hint: &'static str) -> Case {
    Case { name, effect, code, hint }
}

/// Every lasting failure of an answer.
fn lasting() -> Vec<Case> {
    vec![
        case("401", Effect::status(401), "daytona-key-refused", "stigmer auth login"),
        case("403", Effect::status(403), "daytona-forbidden", "permission"),
        case("404", Effect::status(404), "daytona-not-found", "snapshot list"),
        case("404 of another API", Effect::other_api(), "daytona-wrong-address", "daytona.api_url"),
        case("409", Effect::name_taken("somebody-elses"), "daytona-conflict", "another name"),
        case("429", Effect::rate_limit("sandbox-create", 3600), "daytona-rate-limited", "wait"),
        case("429, plain", Effect::retry_after(3600), "daytona-rate-limited", "wait"),
        case("500", Effect::status(500), "daytona-failed", "status.daytona.io"),
        case("502", Effect::bad_gateway(), "daytona-failed", "status.daytona.io"),
        case("a page of an edge", Effect::html(503), "daytona-failed", "status.daytona.io"),
        case("a page of the dashboard", Effect::html(200), "daytona-wrong-address", "daytona.api_url"),
        case("silence", Effect::Hang, "daytona-unreachable", "network"),
        case("no answer", Effect::Drop, "daytona-unreachable", "network"),
        case("half an answer", Effect::Cut { bytes: 9 }, "daytona-unreachable", "network"),
        case("an answer that stands still", Effect::Stall { bytes: 9 }, "daytona-unreachable", "network"),
        case("a quota", Effect::quota(), "daytona-quota", "delete sandboxes"),
    ]
}

/// An engine that waits for nothing long.
async fn impatient(sky: &Sky) -> Engine {
    let engine = sky.open().await;
    let short = Duration::from_millis(400);
    let stall = Duration::from_millis(2500);
    let limits = Limits { call: short, held: short, stall, ..Limits::default() };
    engine.daytona(None).unwrap().0.set_limits(limits);
    engine
}

#[track_caller]
fn fits(case: &Case, at: &str, error: &Report) {
    let hint = error.hint.as_deref().unwrap_or_default();
    assert_eq!(error.code, case.code, "{} at {at}: {error:?}", case.name);
    assert!(hint.contains(case.hint), "{} at {at}: {error:?}", case.name);
}

/// Nothing that runs, and no note of a run.
async fn nothing_is_left(sky: &Sky, engine: &Engine) {
    sky.double.clear_faults();
    until("no sandbox is left", || sky.sandboxes().is_empty().then_some(())).await;
    until("no note is left", || sky.notes().is_empty().then_some(())).await;
    assert!(engine.going_on().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_creating_answers_is_told_and_no_sandbox_is_left() {
    let Some(sky) = Sky::new() else { return };
    let engine = impatient(&sky).await;
    for case in lasting() {
        sky.double.fault(Fault::always("POST", "/api/sandbox", case.effect.clone()));
        if case.is_done() {
            // It is there under its name.
            succeeds(&engine, sky.asking(fresh(), "true")).await;
        } else {
            let error = refused(&engine, sky.asking(fresh(), "true")).await;
            fits(&case, "create", &error);
        }
        sky.double.clear_faults();
    }
    nothing_is_left(&sky, &engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_looking_for_a_sandbox_answers_is_told_and_none_is_made() {
    let Some(sky) = Sky::new() else { return };
    let engine = impatient(&sky).await;
    for case in lasting() {
        // A limit on creating, and a name, mean nothing here.
        if matches!(case.code, "daytona-conflict" | "daytona-quota") {
            continue;
        }
        sky.double.fault(Fault::always("GET", "/api/sandbox", case.effect.clone()));
        let error = refused(&engine, sky.line("true")).await;
        fits(&case, "list", &error);
        sky.double.clear_faults();
    }
    nothing_is_left(&sky, &engine).await;
}

/// Whatever the sandbox answers there is told, and it is deleted.
async fn the_sandbox_fails_at(path: &str) {
    let Some(sky) = Sky::new() else { return };
    let engine = impatient(&sky).await;
    for case in lasting() {
        let is_of_the_api = matches!(
            case.code,
            "daytona-wrong-address" | "daytona-conflict" | "daytona-quota" | "daytona-not-found"
        );
        if is_of_the_api || case.is_done() {
            continue;
        }
        sky.double.fault(Fault::always("*", path, case.effect.clone()));
        let error = refused(&engine, sky.asking(fresh(), "true")).await;
        fits(&case, path, &error);
        sky.double.clear_faults();
    }
    nothing_is_left(&sky, &engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_cannot_be_asked_is_told_and_deleted() {
    the_sandbox_fails_at("*/user-home-dir").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_to_which_nothing_can_be_sent_is_told_and_deleted() {
    the_sandbox_fails_at("*/files/bulk-upload").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_opens_no_terminal_is_told_and_deleted() {
    the_sandbox_fails_at("*/process/pty/create-connect").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_a_moment_is_not_even_seen() {
    let Some(sky) = Sky::new() else { return };
    let engine = impatient(&sky).await;
    let passing = [
        Effect::bad_gateway(),
        Effect::status(500),
        Effect::html(503),
        Effect::Drop,
        Effect::Cut { bytes: 9 },
        Effect::Hang,
        Effect::rate_limit("authenticated", 1),
    ];
    let paths = [("POST", "/api/sandbox"), ("GET", "*/files/info"), ("GET", "*/process/pty/create-connect")];
    for effect in passing {
        for (method, path) in paths {
            sky.double.fault(Fault::once(method, path, effect.clone()));
        }
        succeeds(&engine, sky.asking(fresh(), "true")).await;
        assert!(sky.double.faults().is_empty(), "{effect:?}: {:?}", sky.double.faults());
    }
    nothing_is_left(&sky, &engine).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_told_as_a_date_is_meant_by_the_clock_of_the_server() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    for hours in [-9, 9] {
        sky.double.set_clock_ahead(hours * 3600);
        let date = |seconds| {
            let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(hours * 3600 + seconds);
            at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
        };
        let headers = [("Retry-After".to_owned(), date(2)), ("Date".to_owned(), date(0))].into();
        let effect = Effect::Refuse { status: 429, message: None, code: None, headers };
        sky.double.fault(Fault::once("POST", "/api/sandbox", effect));
        let (record, said) = succeeds(&engine, sky.asking(fresh(), "echo hi")).await;
        assert_eq!(said, "hi\n");
        let taken = record.state.ending().unwrap().at.duration_since(record.started.unwrap());
        assert!(
            taken.abs() < jiff::SignedDuration::from_hours(1),
            "times are those of this machine: {taken}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_cannot_be_deleted_now_is_by_a_later_engine() {
    for refusal in [Effect::status(403), Effect::status(500), Effect::Drop, Effect::retry_after(3600)] {
        let Some(sky) = Sky::new() else { return };
        let engine = sky.open().await;
        sky.double.fault(Fault::always("DELETE", "/api/sandbox/*", refusal.clone()));
        succeeds(&engine, sky.asking(fresh(), "true")).await;
        within(engine.close(Stop::Force)).await;
        assert_eq!((sky.sandboxes().len(), sky.notes().len()), (1, 1), "{refusal:?}: what is left is known");
        sky.double.clear_faults();
        let engine = sky.open().await;
        within(engine.stay()).await;
        nothing_is_left(&sky, &engine).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_create_is_told_so() {
    let options = Options { permissions: Vec::new(), ..Options::quick() };
    let Some(sky) = Sky::with(options) else { return };
    let engine = sky.open().await;
    for sandbox in [fresh(), Sandbox::default()] {
        let error = refused(&engine, sky.asking(sandbox, "true")).await;
        assert_eq!(error.code, "daytona-forbidden");
        assert!(error.hint.unwrap().contains("dashboard/keys"));
    }
    assert!(sky.sandboxes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_to_somebody_else_is_not_followed_and_takes_no_key_there() {
    let (Some(sky), other) = (Sky::new(), daytona_double::Double::start(Options::quick())) else { return };
    let engine = sky.open().await;
    for status in [301, 302, 307, 308] {
        for (method, path) in [
            ("GET", "/api/sandbox"),
            ("POST", "/api/sandbox"),
            ("GET", "*/user-home-dir"),
            ("GET", "*/create-connect"),
        ] {
            let effect = Effect::Answer {
                status,
                content_type: String::new(),
                body: serde_json::Value::String(String::new()),
                headers: [("Location".to_owned(), format!("{}/sandbox", other.url()))].into(),
            };
            sky.double.fault(Fault::always(method, path, effect));
            let fresh =
                if method == "GET" && path.starts_with("/api") { Sandbox::default() } else { fresh() };
            let error = refused(&engine, sky.asking(fresh, "true")).await;
            assert_eq!(error.code, "daytona-wrong-address", "{status} {path}: {error:?}");
            sky.double.clear_faults();
        }
    }
    nothing_is_left(&sky, &engine).await;
    assert!(other.requests().is_empty(), "{:?}", other.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_where_nobody_is_or_somebody_else_is_told_as_what_it_is() {
    let Some(sky) = Sky::new() else { return };
    let page = sky.double.url().trim_end_matches("/api").to_owned();
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/api", listener.local_addr().unwrap())
    };
    for (address, code) in [
        ("http://no-such-host.invalid/api", "daytona-unreachable"),
        (nobody.as_str(), "daytona-unreachable"),
        (page.as_str(), "daytona-wrong-address"),
        ("https://api.daytona.com", "daytona-wrong-address"),
        ("ftp://127.0.0.1/api", "daytona-wrong-address"),
        ("not an address", "daytona-wrong-address"),
    ] {
        let key = sky.double.key();
        let text = format!("mode: daytona\ndaytona: {{ api_key: '{key}', api_url: '{address}' }}\n");
        std::fs::write(sky.home.config(), text).unwrap();
        let engine = sky.open().await;
        let error = refused(&engine, sky.line("true")).await;
        assert_eq!(error.code, code, "{address}: {error:?}");
        assert!(error.hint.unwrap().contains("daytona.api_url"));
        within(engine.close(Stop::Force)).await;
    }
}
