//! Address and key.

use daytona_double::{Double, Effect, Options};
use stigmer_daytona::{Client, Config, Error};

use crate::ground::{config, ground, kind};

#[tokio::test]
async fn a_connection_is_tested_by_looking_at_the_server_and_then_at_the_key() {
    let ground = ground();
    let checked = ground.client.account().check().await.unwrap();
    assert!(!checked.server.version.is_empty());
    assert!(checked.server.default_snapshot.is_some());
    assert!(checked.key.permissions.iter().any(|permission| permission == "write:sandboxes"));
    let requests = ground.double.requests();
    assert_eq!(requests[0].path, "/api/config");
    assert!(!requests[0].headers.contains_key("authorization"), "the address is looked at without the key");
    assert_eq!(requests[1].path, "/api/api-keys/current");
}

#[tokio::test]
async fn every_call_says_who_asks_and_for_which_version() {
    let ground = ground();
    ground.client.account().key().await.unwrap();
    let headers = &ground.double.requests()[0].headers;
    assert_eq!(headers["x-daytona-sdk-version"], "0.226.1");
    assert_eq!(headers["x-daytona-source"], "rust");
    assert_eq!(headers["user-agent"], "rust/0.226.1");
    assert!(headers.contains_key("authorization"));
    assert!(!headers.contains_key("x-daytona-organization-id"));
}

#[tokio::test]
async fn a_key_that_is_not_good_is_told_and_never_repeated_in_the_error() {
    let double = Double::start(Options::quick());
    let config = Config { key: "dtn_wrong_secret".into(), ..config(&double) };
    let error = Client::new(&config).unwrap().account().check().await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("dtn_wrong_secret"));
    assert!(!error.is_transient() && !error.may_have_happened());
}

#[tokio::test]
async fn a_server_that_echoes_the_key_does_not_bring_it_into_an_error() {
    let ground = ground();
    let words = format!("token {} is unknown", ground.double.key());
    ground.once("GET", "/api/api-keys/current", Effect::refuse(403, &words));
    let error = ground.client.account().key().await.unwrap_err();
    assert!(error.to_string().contains("token [key] is unknown"), "{error}");
}

#[tokio::test]
async fn an_address_without_its_prefix_is_told_as_that() {
    let ground = ground();
    let wrong = ground.double.url().trim_end_matches("/api").to_owned();
    let client = Client::new(&config(&ground.double).at(wrong)).unwrap();
    let error = client.account().check().await.unwrap_err();
    assert!(matches!(&error, Error::WrongAddress { why, .. } if why.contains("page")), "{error:?}");
    assert!(ground.double.requests().iter().all(|request| !request.headers.contains_key("authorization")));
}

#[tokio::test]
async fn a_page_in_the_place_of_any_answer_is_told_as_a_wrong_address() {
    let ground = ground();
    ground.always("*", "/api/*", Effect::html(200));
    assert_eq!(kind(&ground.sandboxes().get("x").await), "WrongAddress");
    assert_eq!(kind(&ground.sandboxes().touch("x").await), "WrongAddress");
    assert_eq!(kind(&ground.sandboxes().delete("x").await), "WrongAddress");
}

#[tokio::test]
async fn something_else_that_speaks_json_is_no_daytona() {
    let ground = ground();
    let effect = Effect::Answer {
        status: 200,
        content_type: "application/json".to_owned(),
        body: serde_json::json!({"hello": "world"}),
        headers: std::collections::BTreeMap::new(),
    };
    ground.once("GET", "/api/config", effect);
    assert_eq!(kind(&ground.client.account().check().await), "WrongAddress");
    ground.once("GET", "/api/config", Effect::status(404));
    assert_eq!(kind(&ground.client.account().check().await), "WrongAddress");
}

#[tokio::test]
async fn the_key_does_not_follow_a_redirect_to_elsewhere() {
    let (ground, other) = (ground(), Double::start(Options::quick()));
    let redirect = |to: String| Effect::Answer {
        status: 307,
        content_type: String::new(),
        body: serde_json::Value::String(String::new()),
        headers: [("Location".to_owned(), to)].into(),
    };
    ground.once("GET", "/api/regions", redirect(format!("{}/regions", other.url())));
    let error = ground.client.account().regions().await.unwrap_err();
    assert!(matches!(&error, Error::WrongAddress { why, .. } if why.contains("redirects")), "{error:?}");
    assert!(other.requests().is_empty());
    ground.once("GET", "/api/regions", redirect("/api/shared-regions".to_owned()));
    assert!(!ground.client.account().regions().await.unwrap().is_empty());
    ground.always("GET", "/api/regions", redirect("/api/regions".to_owned()));
    assert_eq!(kind(&ground.client.account().regions().await), "WrongAddress");
    ground.once(
        "POST",
        "/api/volumes",
        Effect::Answer {
            status: 302,
            content_type: String::new(),
            body: serde_json::Value::String(String::new()),
            headers: [("Location".to_owned(), "/login".to_owned())].into(),
        },
    );
    assert_eq!(kind(&ground.client.volumes().create("v").await), "WrongAddress");
}

#[tokio::test]
async fn nobody_at_the_address_is_told_as_that() {
    let double = Double::start(Options::quick());
    let config = config(&double);
    drop(double);
    let result = Client::new(&config).unwrap().account().server().await;
    assert_eq!(kind(&result), "Unreachable unsent");
}

#[tokio::test]
async fn usage_and_cost_come_from_the_server_that_the_api_names() {
    let ground = ground();
    let key = ground.client.account().key().await.unwrap();
    let organization = key.organization_id.unwrap_or_else(|| "org".to_owned());
    let to = jiff::Timestamp::now();
    let span = stigmer_daytona::Span { from: to - jiff::SignedDuration::from_hours(24), to };
    let analytics = ground.client.analytics().await.unwrap();
    analytics.total(&organization, span).await.unwrap();
    analytics.by_sandbox(&organization, span).await.unwrap();
    analytics.chart(&organization, span, Some("us")).await.unwrap();
    let asked = ground.double.requests();
    let chart = asked.iter().rev().find(|request| request.path.ends_with("/usage/chart")).unwrap();
    let query = chart.query.clone().unwrap();
    assert!(query.contains("from=20") && query.contains("region=us"), "{query}");
}

#[tokio::test]
async fn registries_and_the_right_to_push() {
    let ground = ground();
    let registries = ground.client.registries();
    let access = registries.push_access(Some("us")).await.unwrap();
    assert!(access.expires_at.is_some() && !access.secret.is_empty());
    assert!(!format!("{access:?}").contains(&access.secret));
    assert_eq!(access.image("a/b", "1"), format!("{}/{}/a/b:1", access.registry_url, access.project));
    let new = stigmer_daytona::NewRegistry {
        name: "mine".to_owned(),
        url: "https://registry.example.com".to_owned(),
        username: "me".to_owned(),
        password: "hunter2".to_owned(),
        project: None,
    };
    assert!(!format!("{new:?}").contains("hunter2"));
    let registry = registries.create(&new).await.unwrap();
    assert!(registries.list().await.unwrap().iter().any(|own| own.id == registry.id));
    assert!(registries.delete(&registry.id).await.unwrap());
    assert!(!registries.delete(&registry.id).await.unwrap());
}

#[tokio::test]
async fn volumes_are_made_found_and_deleted() {
    let ground = ground();
    let volumes = ground.client.volumes();
    let volume = volumes.create("data").await.unwrap();
    assert_eq!(volumes.by_name("data").await.unwrap().id, volume.id);
    assert!(matches!(volumes.create("data").await, Err(Error::Conflict(_) | Error::Invalid(_))));
    assert!(!volumes.list().await.unwrap().is_empty());
    ground.once("POST", "/api/volumes", Effect::Lost);
    assert_eq!(volumes.create("more").await.unwrap().name, "more");
}
