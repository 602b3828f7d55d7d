//! Who is let in, and what is written down.

use daytona_double::Options;
use serde_json::json;

use crate::harness::Client;

#[tokio::test]
async fn only_the_right_key_opens() {
    let mut client = Client::quick();
    assert_eq!(client.get("/api/api-keys/current").await.status, 200);
    client.key = "dtn_wrong".to_owned();
    let refused = client.get("/api/api-keys/current").await;
    assert_eq!(refused.status, 401);
    let body = refused.json();
    assert_eq!((&body["statusCode"], &body["error"]), (&json!(401), &json!("Unauthorized")));
    assert_eq!(body["path"], "/api/api-keys/current");
    let refused = client.get("/toolbox/x/process/session").await;
    assert_eq!((refused.status, &refused.json()["source"]), (401, &json!("DAYTONA_PROXY")));
    assert_eq!(refused.json()["path"], "/process/session");
    assert_eq!(client.get("/api/config").await.status, 200, "anybody may know where they are");
    assert_eq!(client.get("/api/health").await.status, 200);
}

#[tokio::test]
async fn a_key_does_only_what_it_may() {
    let client = Client::new(Options { permissions: vec!["write:snapshots".to_owned()], ..Options::quick() });
    assert_eq!(client.post("/api/sandbox", json!({})).await.status, 403);
    assert_eq!(client.get("/api/sandbox").await.status, 200);
    let made = client.post("/api/snapshots", json!({ "name": "s", "imageName": "debian:12" })).await;
    assert_eq!(made.status, 200);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(client.send("DELETE", &format!("/api/snapshots/{id}"), None, &[]).await.unwrap().status, 403);
    assert_eq!(client.get("/api/docker-registry/registry-push-access").await.status, 200);
    assert_eq!(client.get("/api/organizations/x/usage").await.status, 401, "a key is no person");
}

#[tokio::test]
async fn what_is_not_the_api_is_a_page() {
    let client = Client::quick();
    let page = client.get("/sandbox").await;
    assert_eq!((page.status, page.headers["content-type"].as_str()), (200, "text/html; charset=utf-8"));
    let missing = client.get("/api/workspace").await;
    assert_eq!((missing.status, &missing.json()["message"]), (404, &json!("Cannot GET /api/workspace")));
}

#[tokio::test]
async fn requests_are_written_down_without_their_key() {
    let client = Client::quick();
    client.post("/api/sandbox?x=1", json!({ "name": "n", "cpu": 1 })).await;
    client.get("/__double/requests").await;
    let requests = client.double.requests();
    assert_eq!(requests.len(), 1, "what asks the double itself is no request");
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/sandbox"));
    assert_eq!((request.query.as_deref(), request.status), (Some("x=1"), Some(400)));
    assert_eq!(request.json, Some(json!({ "name": "n", "cpu": 1 })));
    assert_eq!(request.headers["authorization"], "<redacted>");
    assert_eq!(client.get("/__double/requests").await.json()[0]["path"], "/api/sandbox");
    client.double.clear_requests();
    assert!(client.double.requests().is_empty());
}

#[tokio::test]
async fn answers_say_what_is_left_of_their_class() {
    let client = Client::quick();
    let classes = [("/api/sandbox", "sandbox-list"), ("/api/snapshots", "authenticated")];
    for (path, class) in classes {
        let headers = client.get(path).await.headers;
        assert!(headers.contains_key(&format!("x-ratelimit-remaining-{class}")), "{headers:?}");
    }
}
