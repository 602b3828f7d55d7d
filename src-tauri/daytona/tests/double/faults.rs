//! Every kind of failure, on a call that may be repeated, one that must not be, and one in a sandbox.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use daytona_double::{Effect, Fault, Options};
use stigmer_daytona::{Error, Execute, NewRegistry};

use crate::ground::{Ground, ground, ground_with, impatient, kind};

/// A failure that lasts, what it is told as, and whether it is worth repeating.
fn lasting() -> Vec<(&'static str, Effect, &'static str, bool)> {
    vec![
        ("400", Effect::status(400), "Invalid", false),
        ("401", Effect::status(401), "Unauthorized", false),
        ("403", Effect::status(403), "Forbidden", false),
        ("404", Effect::status(404), "NotFound", false),
        ("409", Effect::status(409), "Conflict", false),
        ("410", Effect::status(410), "Gone", false),
        ("422", Effect::status(422), "Invalid", false),
        ("429 with a long pause", Effect::retry_after(3600), "RateLimited", false),
        ("500", Effect::status(500), "Server", true),
        ("502 without a body", Effect::bad_gateway(), "Server", true),
        ("503", Effect::status(503), "Server", true),
        ("504", Effect::status(504), "Server", true),
        ("a page of an edge", Effect::html(503), "Server", true),
        ("no answer", Effect::Drop, "Unreachable sent", true),
        ("half an answer", Effect::Cut { bytes: 5 }, "Cut", true),
        ("silence", Effect::Hang, "Timeout", true),
        ("a page of the dashboard", Effect::html(200), "WrongAddress", false),
    ]
}

fn registry() -> NewRegistry {
    let (name, url) = ("r".to_owned(), "https://r.example.com".to_owned());
    NewRegistry { name, url, username: "u".to_owned(), password: "p".to_owned(), project: None }
}

fn impatient_ground() -> Ground {
    ground_with(Options::quick(), |config| config.limits = impatient())
}

#[tokio::test]
async fn reading_is_repeated_after_failures_that_pass_and_only_then() {
    for (name, effect, expected, repeated) in lasting() {
        let ground = impatient_ground();
        ground.always("GET", "/api/regions", effect);
        let result = ground.client.account().regions().await;
        assert_eq!(kind(&result), expected, "{name}");
        let times = if repeated { 4 } else { 1 };
        assert_eq!(ground.asked("GET", "/api/regions"), times, "{name}");
    }
}

#[tokio::test]
async fn what_fails_once_and_can_be_repeated_succeeds() {
    for (name, effect, _, repeated) in lasting() {
        let ground = impatient_ground();
        ground.once("GET", "/api/regions", effect);
        assert_eq!(ground.client.account().regions().await.is_ok(), repeated, "{name}");
    }
}

#[tokio::test]
async fn making_something_is_never_repeated_blindly() {
    for (name, effect, expected, _) in lasting() {
        let ground = impatient_ground();
        ground.always("POST", "/api/docker-registry", effect);
        let result = ground.client.registries().create(&registry()).await;
        assert_eq!(kind(&result), expected, "{name}");
        assert_eq!(ground.asked("POST", "/api/docker-registry"), 1, "{name}");
        let open = matches!(expected, "Server" | "Unreachable sent" | "Cut" | "Timeout");
        assert_eq!(result.unwrap_err().may_have_happened(), open, "{name}");
    }
}

#[tokio::test]
async fn a_command_is_never_executed_twice() {
    for (name, effect, expected, _) in lasting() {
        let ground = ground_with(Options::quick(), |_| {});
        let Some(toolbox) = ground.toolbox().await else { return };
        ground.always("POST", "*/process/execute", effect);
        let execute = Execute { timeout: Duration::from_secs(1), ..Execute::new("true") };
        if expected == "Timeout" {
            // Its own time limit is longer than the patience of this test.
            continue;
        }
        assert_eq!(kind(&toolbox.execute(&execute).await), expected, "{name}");
        assert_eq!(ground.asked("POST", "*/process/execute"), 1, "{name}");
    }
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_they_are_told_in_either_form() {
    for effect in [Effect::rate_limit("authenticated", 1), Effect::retry_after(1)] {
        let ground = ground();
        ground.once("GET", "/api/regions", effect.clone());
        // What was refused for this reason was not carried out, so that making something waits too.
        ground.once("POST", "/api/docker-registry", effect);
        for asks in [true, false] {
            let begun = Instant::now();
            if asks {
                ground.client.account().regions().await.unwrap();
            } else {
                ground.client.registries().create(&registry()).await.unwrap();
            }
            assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
        }
    }
}

#[tokio::test]
async fn a_long_pause_is_told_at_once_with_its_length() {
    let ground = ground();
    ground.always("POST", "/api/sandbox", Effect::rate_limit("sandbox-create", 90));
    let new = stigmer_daytona::NewSandbox::new("n", stigmer_daytona::Template::Default);
    let error = ground.sandboxes().create(&new).await.unwrap_err();
    let Error::RateLimited { retry_after, .. } = error else { panic!("{error:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(90)));
    assert_eq!(ground.asked("POST", "/api/sandbox"), 1);
}

#[tokio::test]
async fn an_answer_that_is_slow_but_comes_is_waited_for() {
    let ground = ground();
    ground.once("GET", "/api/regions", Effect::Slow { ms: 400 });
    ground.client.account().regions().await.unwrap();
    assert_eq!(ground.asked("GET", "/api/regions"), 1);
}

#[tokio::test]
async fn an_answer_of_another_form_is_told_as_that() {
    let ground = ground();
    for body in [serde_json::json!({"id": 7}), serde_json::json!("text"), serde_json::json!(null)] {
        let effect = Effect::Answer {
            status: 200,
            content_type: "application/json".to_owned(),
            body,
            headers: BTreeMap::new(),
        };
        ground.once("GET", "/api/sandbox/x", effect);
        assert_eq!(kind(&ground.sandboxes().get("x").await), "Unexpected");
    }
}

#[tokio::test]
async fn the_words_of_the_server_are_kept_with_its_code_and_its_number_of_the_request() {
    let ground = ground();
    let effect = Effect::Refuse {
        status: 404,
        message: Some("file not found: /x".to_owned()),
        code: Some("FILE_NOT_FOUND".to_owned()),
        headers: [("X-Request-Id".to_owned(), "req-1".to_owned())].into(),
    };
    ground.once("GET", "/api/sandbox/x", effect);
    let error = ground.sandboxes().get("x").await.unwrap_err();
    assert_eq!(error.to_string(), "`GET /sandbox/x` was answered with 404: file not found: /x");
    let answer = error.answer().unwrap();
    assert_eq!(answer.code.as_deref(), Some("FILE_NOT_FOUND"));
    assert_eq!(answer.request_id.as_deref(), Some("req-1"));
}

#[tokio::test]
async fn a_call_that_is_dropped_leaves_nothing_behind_here() {
    let ground = ground();
    ground.double.fault(Fault::always("GET", "/api/regions", Effect::Hang).times(1));
    let account = ground.client.account();
    let dropped = tokio::time::timeout(Duration::from_millis(100), account.regions()).await;
    assert!(dropped.is_err());
    ground.client.account().regions().await.unwrap();
}
