//! Sandboxes: their states, and that they are apart.

use std::time::Duration;

use daytona_double::{Effect, Fault, Options};
use serde_json::{Value, json};

use crate::harness::{Client, MODERN, possible};

async fn state(client: &Client, sandbox: &str) -> Value {
    client.get(&format!("/api/sandbox/{sandbox}")).await.json()["state"].clone()
}

/// The states that a sandbox is seen in until it is in this one.
async fn states(client: &Client, sandbox: &str, last: &str) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let watch = async {
        while seen.last().map(String::as_str) != Some(last) {
            let reply = client.get(&format!("/api/sandbox/{sandbox}")).await;
            let state = if reply.status == 404 { json!("destroyed") } else { reply.json()["state"].clone() };
            let state = state.as_str().unwrap().to_owned();
            if seen.last() != Some(&state) {
                seen.push(state);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), watch)
        .await
        .expect("the sandbox does not come to its state");
    seen
}

async fn act(client: &Client, sandbox: &str, verb: &str) -> u16 {
    client.post(&format!("/api/sandbox/{sandbox}/{verb}"), json!({})).await.status
}

#[tokio::test]
async fn a_sandbox_goes_through_its_states() {
    if !possible("states") {
        return;
    }
    let client =
        Client::new(Options { delay: Duration::from_secs(1), hold: Duration::ZERO, ..Options::quick() });
    let made = client.post("/api/sandbox", json!({})).await.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["state"], "creating", "the answer is not held for ever");
    assert_eq!(act(&client, id, "stop").await, 409, "one change at a time");
    assert_eq!(states(&client, id, "started").await, ["creating", "started"]);
    assert_eq!(act(&client, id, "archive").await, 400);
    assert_eq!(act(&client, id, "stop").await, 200);
    assert_eq!(states(&client, id, "stopped").await, ["stopping", "stopped"]);
    assert_eq!(act(&client, id, "archive").await, 200);
    assert_eq!(states(&client, id, "archived").await, ["archiving", "archived"]);
    assert_eq!(act(&client, id, "start").await, 200);
    assert_eq!(states(&client, id, "started").await, ["restoring", "started"]);
    let deleted = client.send("DELETE", &format!("/api/sandbox/{id}"), None, &[]).await.unwrap();
    assert_eq!((deleted.status, &deleted.json()["state"]), (200, &json!("destroying")));
    assert_eq!(states(&client, id, "destroyed").await, ["destroying", "destroyed"]);
}

#[tokio::test]
async fn a_sandbox_that_is_built_waits_for_its_build() {
    if !possible("builds") {
        return;
    }
    let client = Client::new(Options { build: Duration::from_millis(150), ..Options::quick() });
    let body = json!({ "buildInfo": { "dockerfileContent": "FROM debian:12\nRUN true\n" }, "cpu": 2 });
    let made = client.post("/api/sandbox", body).await.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["state"], &made["cpu"]), (&json!("pending_build"), &json!(2)));
    assert!(states(&client, id, "started").await.contains(&"building_snapshot".to_owned()));
    let body = json!({ "buildInfo": { "dockerfileContent": "FROM debian:12\nRUN exit 7\n" } });
    let made = client.post("/api/sandbox", body).await.json();
    let id = made["id"].as_str().unwrap();
    states(&client, id, "build_failed").await;
    let reason = client.get(&format!("/api/sandbox/{id}")).await.json()["errorReason"].clone();
    assert!(reason.as_str().unwrap().ends_with("non-zero code: 7"), "{reason}");
}

#[tokio::test]
async fn two_sandboxes_see_nothing_of_each_other() {
    if !possible("sandboxes apart") {
        return;
    }
    let client = Client::quick();
    let (one, other) = (client.sandbox().await, client.sandbox().await);
    client.run(&one, "echo secret >/workspace/file; echo x >/tmp/file; sleep 60 >/dev/null 2>&1 &").await;
    let seen = client.run(&other, "ls /workspace /tmp; ps ax | grep -c '[s]leep'").await;
    assert_eq!(seen, "/tmp:\n\n/workspace:\n0\n");
    assert!(!std::path::Path::new("/workspace/file").exists(), "nor does this machine");
    assert_eq!(client.run(&one, "touch /usr/file 2>/dev/null || echo read-only").await, "read-only\n");
}

#[tokio::test]
async fn a_sandbox_breaks_under_a_command() {
    if !possible("a sandbox that breaks") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let effect =
        Effect::Sandbox { ms: 200, state: "error".to_owned(), reason: Some("runner lost".to_owned()) };
    client.double.fault(Fault::once("POST", "*/exec", effect));
    let command = client.start(&id, "s", "echo begun; sleep 60").await;
    let seen = client.follow(&command, &[MODERN]).await;
    assert_eq!((seen.split().0.as_str(), seen.close), ("begun\n", None), "the connection just ends");
    let shown = client.get(&format!("/api/sandbox/{id}")).await.json();
    assert_eq!((&shown["state"], &shown["errorReason"]), (&json!("error"), &json!("runner lost")));
    let refused = client.get(&command).await;
    assert_eq!(refused.status, 400);
    assert!(refused.json()["message"].as_str().unwrap().ends_with("Is the Sandbox started?"));
    assert_eq!(act(&client, &id, "recover").await, 200);
    assert_eq!(state(&client, &id).await, "started");
    assert_eq!(client.get(&command).await.status, 404, "sessions do not survive");
}

#[tokio::test]
async fn what_nobody_uses_is_stopped_and_deleted() {
    if !possible("timers") {
        return;
    }
    let client = Client::new(Options { minute: Duration::from_secs(1), ..Options::quick() });
    let body = json!({ "autoStopInterval": 2, "autoDeleteInterval": 1 });
    let made = client.post("/api/sandbox", body.clone()).await.json();
    let id = made["id"].as_str().unwrap();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        client.run(id, "true").await;
    }
    assert_eq!(state(&client, id).await, "started", "a request to the toolbox is use");
    let passive = [("x-daytona-skip-last-activity-update", "true")];
    let path = format!("/toolbox/{id}/version");
    while client.send("GET", &path, None, &passive).await.unwrap().status == 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    states(&client, id, "destroyed").await;
    let mortal = client.post("/api/sandbox", json!({ "ttlMinutes": 1, "autoStopInterval": 0 })).await.json();
    states(&client, mortal["id"].as_str().unwrap(), "destroyed").await;
}

#[tokio::test]
async fn a_page_of_the_list_names_the_next() {
    if !possible("lists") {
        return;
    }
    let client = Client::quick();
    for name in ["a-1", "a-2", "b-1"] {
        let body = json!({ "name": name, "labels": { "kind": &name[..1] } });
        assert_eq!(client.post("/api/sandbox", body).await.status, 200);
    }
    let page = client.get("/api/sandbox?limit=2&sort=name&order=asc").await.json();
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&page), ["a-1", "a-2"]);
    assert!(page["items"][0].get("env").is_none(), "items of lists are smaller");
    let next = page["nextCursor"].as_str().unwrap();
    let page = client.get(&format!("/api/sandbox?limit=2&sort=name&order=asc&cursor={next}")).await.json();
    assert_eq!((names(&page), &page["nextCursor"]), (vec!["b-1".to_owned()], &Value::Null));
    let page = client.get("/api/sandbox?labels=%7B%22kind%22%3A%22b%22%7D").await.json();
    assert_eq!(names(&page), ["b-1"]);
    let page = client.get("/api/sandbox?name=A-&sort=name&states=started&states=error").await.json();
    assert_eq!(names(&page), ["a-2", "a-1"]);
}

#[tokio::test]
async fn lists_learn_of_a_sandbox_later_than_it_is_there() {
    if !possible("lists that are late") {
        return;
    }
    let list_lag = Duration::from_secs(3);
    let client = Client::new(Options { list_lag, ..Options::quick() });
    let id = client.sandbox().await;
    assert_eq!(client.get("/api/sandbox").await.json()["items"], json!([]));
    tokio::time::sleep(list_lag).await;
    assert_eq!(client.get("/api/sandbox").await.json()["items"][0]["id"], json!(id));
}

#[tokio::test]
async fn impossible_sandboxes_are_refused() {
    let client = Client::quick();
    let cases = [
        (json!({ "cpu": 2 }), 400, "Cannot specify Sandbox resources when using a snapshot"),
        (json!({ "snapshot": "none" }), 400, "Snapshot none not found."),
        (json!({ "target": "moon" }), 404, "Region with ID or name moon not found"),
        (json!({ "buildInfo": { "dockerfileContent": "FROM x:1" }, "cpu": 9 }), 400, "CPU request 9 exceeds"),
        (json!({ "autoStopInterval": -1 }), 400, "must be non-negative"),
        (json!({ "volumes": [{ "volumeId": "v", "mountPath": "/v" }] }), 404, "Volume 'v' not found"),
        (json!({ "name": 3 }), 400, "invalid type"),
    ];
    for (body, status, text) in cases {
        let reply = client.post("/api/sandbox", body.clone()).await;
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(reply.status == status && message.contains(text), "{body}: {} {message}", reply.status);
    }
}
