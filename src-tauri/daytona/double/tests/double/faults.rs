//! Failures on request.

use std::time::{Duration, Instant};

use daytona_double::{Effect, Fault};
use serde_json::{Value, json};

use crate::harness::{Client, possible};

async fn hit(client: &Client, effect: Effect) -> crate::harness::Reply {
    client.double.fault(Fault::once("GET", "/api/snapshots", effect));
    let reply = client.get("/api/snapshots").await;
    assert_eq!(client.get("/api/snapshots").await.status, 200, "a fault that hits once is gone");
    reply
}

#[tokio::test]
async fn a_request_is_refused_in_the_words_of_its_side() {
    let client = Client::quick();
    for status in [400, 401, 403, 404, 409, 429, 500, 503] {
        let reply = hit(&client, Effect::status(status)).await;
        assert_eq!((reply.status, &reply.json()["statusCode"]), (status, &json!(status)));
    }
    assert_eq!(hit(&client, Effect::status(500)).await.json()["message"], "An unexpected error occurred.");
    let quota = hit(&client, Effect::quota()).await.json();
    assert_eq!(quota["message"], "Total CPU limit exceeded. Maximum allowed: 10.");
    let effect = Effect::Refuse {
        status: 410,
        message: Some("over".to_owned()),
        code: Some("SESSION_ENDED".to_owned()),
        headers: [].into(),
    };
    client.double.fault(Fault::once("POST", "*/exec", effect));
    let reply = client.post("/toolbox/x/process/session/s/exec", json!({})).await.json();
    assert_eq!((&reply["code"], &reply["source"]), (&json!("SESSION_ENDED"), &json!("DAYTONA_DAEMON")));
}

#[tokio::test]
async fn limits_are_told_in_either_header() {
    let client = Client::quick();
    let by_class = hit(&client, Effect::rate_limit("sandbox-create", 7)).await;
    assert_eq!((by_class.status, by_class.headers["retry-after-sandbox-create"].as_str()), (429, "7"));
    assert!(!by_class.headers.contains_key("retry-after"));
    let plain = hit(&client, Effect::retry_after(3)).await;
    assert_eq!((plain.status, plain.headers["retry-after"].as_str()), (429, "3"));
}

#[tokio::test]
async fn what_stands_between_answers_instead() {
    let client = Client::quick();
    let gateway = hit(&client, Effect::bad_gateway()).await;
    assert_eq!((gateway.status, gateway.body.len()), (502, 0));
    let page = hit(&client, Effect::html(200)).await;
    assert!(page.text().starts_with("<!doctype html>"));
    client.double.fault(Fault::always("*", "/api/*", Effect::other_api()));
    let other = client.get("/api/config").await;
    assert_eq!((other.status, other.json().get("proxyToolboxUrl")), (404, None));
}

#[tokio::test]
async fn an_answer_is_lost_after_its_request_succeeded() {
    if !possible("an answer is lost") {
        return;
    }
    let client = Client::quick();
    client.double.fault(Fault::once("POST", "/api/sandbox", Effect::Lost));
    let lost = client.send("POST", "/api/sandbox", Some(json!({ "name": "there" })), &[]).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(client.get("/api/sandbox/there").await.json()["state"], "started");
}

#[tokio::test]
async fn a_request_that_is_carried_out_twice_meets_itself() {
    if !possible("a request twice") {
        return;
    }
    let client = Client::quick();
    client.double.fault(Fault::once("POST", "/api/sandbox", Effect::Twice));
    let reply = client.post("/api/sandbox", json!({ "name": "twin" })).await;
    assert_eq!(reply.status, 409);
    assert_eq!(client.double.sandboxes().len(), 1);
}

#[tokio::test]
async fn a_connection_ends_before_or_within_its_answer() {
    let client = Client::quick();
    for effect in [Effect::Drop, Effect::Cut { bytes: 10 }, Effect::Cut { bytes: 0 }] {
        client.double.fault(Fault::once("GET", "/api/snapshots", effect));
        assert!(client.send("GET", "/api/snapshots", None, &[]).await.is_err());
    }
}

#[tokio::test]
async fn an_answer_is_too_short_and_does_not_say_so() {
    let client = Client::quick();
    let short = hit(&client, Effect::Short { bytes: 5 }).await;
    assert_eq!((short.status, short.body.len()), (200, 5));
    assert!(!short.headers.contains_key("content-length"));
}

#[tokio::test]
async fn an_answer_comes_late_or_never() {
    let client = Client::quick();
    for effect in [Effect::Slow { ms: 300 }, Effect::Late { ms: 300 }] {
        let began = Instant::now();
        assert_eq!(hit(&client, effect).await.status, 200);
        assert!(began.elapsed() >= Duration::from_millis(300));
    }
    for effect in [Effect::Hang, Effect::Stall { bytes: 10 }] {
        client.double.fault(Fault::once("GET", "/api/snapshots", effect));
        let waiting = client.send("GET", "/api/snapshots", None, &[]);
        assert!(tokio::time::timeout(Duration::from_millis(300), waiting).await.is_err());
    }
}

#[tokio::test]
async fn faults_are_set_from_outside_too() {
    let client = Client::quick();
    let fault =
        json!({ "path": "/api/snap*", "skip": 1, "times": 1, "effect": { "kind": "refuse", "status": 503 } });
    let answer = json!({ "path": "/api/regions", "effect": { "kind": "answer", "status": 200, "body": [] } });
    assert_eq!(client.post("/__double/faults", json!([fault, answer])).await.status, 204);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(client.get("/api/snapshots").await.status);
    }
    assert_eq!(seen, [200, 503, 200]);
    assert_eq!(client.get("/api/regions").await.json(), json!([]));
    let waiting = client.get("/__double/faults").await.json();
    assert_eq!(waiting.as_array().map(Vec::len), Some(1));
    client.send("DELETE", "/__double/faults", None, &[]).await.unwrap();
    assert_eq!(client.get("/api/regions").await.json()[0]["id"], "us");
    assert_eq!(client.post("/__double/faults", json!({ "path": "/x" })).await.status, 400);
}

#[tokio::test]
async fn the_clock_is_wrong_on_request() {
    let client = Client::quick();
    client.double.set_clock_ahead(-86_400 * 400);
    let reply = client.get("/api/api-keys/current").await;
    let year: i32 = reply.json()["createdAt"].as_str().unwrap()[..4].parse().unwrap();
    let told: i32 = reply.headers["date"][12..16].parse().unwrap();
    let right: i32 = jiff::Timestamp::now().to_string()[..4].parse().unwrap();
    assert!(year < right && told == year, "{year} {told}");
    let set: Value = client.post("/__double/clock", json!({ "ahead": 0 })).await.json();
    assert!(set["now"].as_str().unwrap().starts_with(&right.to_string()));
}
