//! The API over HTTP: what programs and pages do with it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

mod harness;

use harness::Home;
use harness::http::Server;
use serde_json::{Value, json};

#[test]
fn a_run_is_started_shown_listed_and_removed() {
    let home = Home::new();
    let server = Server::start(&home);
    let new = json!({
        "work": { "kind": "program", "argv": ["sh", "-c", "echo $WORD; echo err >&2; exit 3"] },
        "workspace": home.work(),
        "env": { "WORD": "out" },
        "labels": ["word"],
        "timeout_ms": 60_000,
    });
    let id =
        server.send("POST", "/api/v1/runs", &new).expect(201).json()["run_id"].as_str().unwrap().to_owned();
    let shown = server.until_over(&id);
    let facts = [&shown["state"], &shown["exit_code"], &shown["origin"], &shown["mode"], &shown["lines"]];
    assert_eq!(facts, [&json!("failed"), &json!(3), &json!("api"), &json!("local"), &json!(2)]);
    assert_eq!(shown["spec"]["env"]["set"]["WORD"], Value::Null, "values are not kept");
    let listed = server.get("/api/v1/runs?state=failed,error&label=word&limit=10").expect(200).json();
    assert_eq!((&listed["total"], &listed["runs"][0]["run_id"]), (&json!(1), &json!(id)));
    assert_eq!(server.get("/api/v1/runs?state=succeeded").expect(200).json()["total"], 0);
    assert_eq!(listed["runs"][0], home.last(), "a row is the same everywhere");
    server.send("PUT", &format!("/api/v1/runs/{id}/pin"), &json!({ "pinned": true })).expect(204);
    server.request_of("DELETE", &format!("/api/v1/runs/{id}")).expect_error(409, "conflict");
    server.send("PUT", "/api/v1/runs/last/pin", &json!({ "pinned": false })).expect(204);
    server.request_of("DELETE", &format!("/api/v1/runs/{id}")).expect(204);
    server.get(&format!("/api/v1/runs/{id}")).expect_error(404, "run-not-found");
}

#[test]
fn the_log_is_read_in_windows_and_says_where_it_is() {
    let home = Home::new();
    let server = Server::start(&home);
    let id = server.run(&home, "printf 0123456789");
    server.until_over(&id);
    let log = |query: &str| server.get(&format!("/api/v1/runs/{id}/log{query}")).expect(200);
    let part = log("?from=3&length=4");
    assert_eq!(part.body, b"3456");
    let told =
        ["x-stigmer-offset", "x-stigmer-length", "x-stigmer-ended"].map(|name| part.header(name).unwrap());
    assert_eq!(told, ["3", "10", "true"]);
    assert_eq!(log("").body, b"0123456789");
    assert_eq!(log("?from=99").body, b"");
    assert_eq!(server.get(&format!("/api/v1/runs/{id}/export?format=raw")).expect(200).body, b"0123456789");
    let lines = server.get(&format!("/api/v1/runs/{id}/export?format=json")).expect(200).text();
    assert!(lines.lines().last().unwrap().contains("execution_complete"), "{lines}");
}

#[test]
fn rows_come_in_their_binary_form_and_matches_are_found() {
    let home = Home::new();
    let server = Server::start(&home);
    let id = server.run(&home, "echo one; echo two; printf three");
    server.until_over(&id);
    let log = |what: &str| server.get(&format!("/api/v1/runs/{id}/log/{what}")).expect(200);
    assert_eq!(log("view").json()["rows"], 3);
    let rows = log("rows?from=1&count=10").body;
    assert_eq!((&rows[..4], &rows[4..8]), (b"STG1".as_slice(), 2_u32.to_le_bytes().as_slice()));
    assert_eq!(rows[8..24], [1_u64.to_le_bytes(), 4_u64.to_le_bytes()].concat());
    assert_eq!(rows[44..48], 3_u32.to_le_bytes());
    assert_eq!(&rows[48..51], b"two");
    assert_eq!((rows[51 + 33] & 16, &rows[rows.len() - 5..]), (16, b"three".as_slice()), "no line end yet");
    let hit = log("find?q=t&from=2").json();
    assert_eq!((&hit["line"], &hit["index"], &hit["total"]), (&json!(2), &json!(1), &json!(2)));
    assert_eq!(log("find?q=nothing").json()["line"], Value::Null);
    assert_eq!(log("line?at=5").json()["line"], 1);
    server.get(&format!("/api/v1/runs/{id}/log/view?q=(&regex=true")).expect_error(422, "pattern");
}

#[test]
fn a_run_takes_input_is_cancelled_and_is_run_again() {
    let home = Home::new();
    let server = Server::start(&home);
    let new = json!({ "work": { "kind": "line", "line": "cat; echo end" }, "workspace": home.work(), "input": "piped" });
    let id =
        server.send("POST", "/api/v1/runs", &new).expect(201).json()["run_id"].as_str().unwrap().to_owned();
    server.bytes("POST", &format!("/api/v1/runs/{id}/input"), b"typed\n").expect(204);
    server.bytes("POST", &format!("/api/v1/runs/{id}/input/end"), b"").expect(204);
    assert_eq!(server.until_over(&id)["state"], "succeeded");
    assert_eq!(server.get(&format!("/api/v1/runs/{id}/log")).body, b"typed\nend\n");
    server.bytes("POST", &format!("/api/v1/runs/{id}/input"), b"late").expect_error(409, "conflict");
    let sleeping = server.run(&home, "sleep 1000");
    server.send("POST", &format!("/api/v1/runs/{sleeping}/cancel"), &json!({})).expect(202);
    assert_eq!(server.until_over(&sleeping)["state"], "cancelled");
    server.send("POST", &format!("/api/v1/runs/{sleeping}/cancel"), &json!({})).expect_error(409, "conflict");
    let again = server.send("POST", &format!("/api/v1/runs/{id}/rerun"), &json!({})).expect(201).json();
    let again = server.until_over(again["run_id"].as_str().unwrap());
    assert_eq!(again["rerun_of"], json!(id));
    let pair = format!("/api/v1/runs/compare?before={id}&after={}", again["run_id"].as_str().unwrap());
    let compared = server.get(&pair).expect(200).json();
    assert_eq!((&compared["same_output"], &compared["gone"]), (&json!(false), &json!(1)));
    assert_eq!(compared["hunks"][0]["lines"][0]["sign"], "-");
}

#[test]
fn files_are_listed_read_written_with_their_version_and_deleted_with_a_way_back() {
    let home = Home::new();
    home.write("sub/file.txt", "old");
    let server = Server::start(&home);
    let at = |path: &str| format!("workspace={}&path={path}", home.work().display());
    let listed = server.get(&format!("/api/v1/files?{}", at(""))).expect(200).json();
    assert_eq!((&listed[0]["name"], &listed[0]["kind"]), (&json!("sub"), &json!("folder")));
    let read = server.get(&format!("/api/v1/files/content?{}", at("sub/file.txt"))).expect(200);
    let version = read.header("x-stigmer-version").unwrap().to_owned();
    assert_eq!((read.body.as_slice(), read.header("x-stigmer-kind")), (b"old".as_slice(), Some("text")));
    let write =
        |query: &str, text: &[u8]| server.bytes("PUT", &format!("/api/v1/files/content?{query}"), text);
    write(&at("sub/file.txt"), b"x").expect_error(409, "conflict");
    write(&format!("{}&version={version}", at("sub/file.txt")), b"new").expect(200);
    write(&format!("{}&version={version}", at("sub/file.txt")), b"newer").expect_error(409, "conflict");
    assert_eq!(std::fs::read(home.work().join("sub/file.txt")).unwrap(), b"new");
    server.get(&format!("/api/v1/files/content?{}", at("../secret"))).expect_error(422, "outside-workspace");
    let gone = json!({ "workspace": home.work(), "path": "sub/file.txt" });
    let undo = server.send("POST", "/api/v1/files/delete", &gone).expect(200).json();
    assert!(!home.work().join("sub/file.txt").exists());
    server.send("POST", "/api/v1/files/restore", &undo).expect(204);
    assert_eq!(std::fs::read(home.work().join("sub/file.txt")).unwrap(), b"new");
    let completed =
        server.get(&format!("/api/v1/files/complete?workspace={}&prefix=s", home.work().display()));
    assert_eq!(completed.expect(200).json(), json!(["sub/"]));
}

#[test]
fn settings_are_listed_changed_and_refused_in_words() {
    let home = Home::new();
    let server = Server::start(&home);
    let ttl = || {
        let all = server.get("/api/v1/config").expect(200).json();
        all.as_array().unwrap().iter().find(|one| one["key"] == "sandbox.ttl").unwrap().clone()
    };
    assert_eq!(ttl()["origin"]["from"], "default");
    server.send("PUT", "/api/v1/config/sandbox.ttl", &json!({ "value": 60 })).expect(204);
    assert_eq!((&ttl()["shown"], &ttl()["origin"]["from"]), (&json!("60"), &json!("file")));
    server.send("PUT", "/api/v1/config/sandbox.ttl", &json!({ "value": "soon" })).expect_error(422, "config");
    server
        .send("PUT", "/api/v1/config/sandbox.tll", &json!({ "value": 1 }))
        .expect_error(404, "setting-not-found");
    server.send("PUT", "/api/v1/config/sandbox.ttl", &json!({ "value": null })).expect(204);
    assert_eq!(ttl()["origin"]["from"], "default");
}

#[test]
fn the_app_says_what_is_here() {
    let home = Home::new();
    let server = Server::start(&home);
    let app = server.get("/api/v1/app").expect(200).json();
    assert_eq!(app["server_address"], format!("http://{}", server.address));
    let workspace = app["workspace"].as_str().unwrap();
    assert!(std::path::Path::new(workspace).join(app["sample"].as_str().unwrap()).is_file());
    let modes = server.get("/api/v1/modes").expect(200).json();
    let local = modes.as_array().unwrap().iter().find(|one| one["mode"] == "local").unwrap();
    assert_eq!(local["available"], true);
    let checks = server.get("/api/v1/doctor").expect(200).json();
    assert!(
        checks.as_array().unwrap().iter().any(|check| check["name"] == "run" && check["verdict"] == "ok")
    );
}

#[test]
fn an_agent_gets_the_output_of_what_it_wrote() {
    let home = Home::new();
    let server = Server::start(&home);
    let execute = |body: Value| server.send("POST", "/api/v1/agents/seven/execute", &body);
    let guarded = execute(json!({ "command": "echo out; echo err >&2; exit 3", "workspace": home.work() }))
        .expect(200)
        .json();
    if guarded["error"]["code"] == "guard-unavailable" {
        harness::is_there("an_agent_gets_the_output_of_what_it_wrote", "a kernel with Landlock", false);
        return;
    }
    assert_eq!((&guarded["success"], &guarded["exit_code"]), (&json!(false), &json!(3)));
    let output = guarded["output"].as_str().unwrap();
    assert!(output.contains("out\n") && output.contains("err\n"), "{guarded}");
    assert_eq!((&home.last()["origin"], &home.last()["labels"]), (&json!("agent"), &json!(["seven"])));
    let good = execute(json!({ "code": "print(6 * 7)", "workspace": home.work() })).expect(200).json();
    assert_eq!((&good["success"], &good["output"]), (&json!(true), &json!("42\n")));
    let long = json!({ "command": "head -c 3000000 /dev/zero | tr '\\0' x", "workspace": home.work() });
    let long = execute(long).expect(200).json();
    let output = long["output"].as_str().unwrap();
    assert!(output.len() < (1 << 20) + 200 && output.contains("bytes left out"), "{}", output.len());
    execute(json!({})).expect_error(422, "invalid-request");
    std::fs::write(home.work().join(".stigmer.yaml"), "").unwrap();
    home.stigmer(["config", "set", "mcp.modes", "[sandbox]"]).ended().expect(0);
    execute(json!({ "command": "true", "workspace": home.work() })).expect_error(403, "mode-not-allowed");
}

#[test]
fn a_caller_who_goes_away_takes_the_agents_run_along() {
    use std::io::Write as _;

    let home = Home::new();
    let server = Server::start(&home);
    let body = json!({ "command": "sleep 1000", "workspace": home.work() }).to_string();
    let mut caller = server.connect();
    write!(
        caller,
        "POST /api/v1/agents/a/execute HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.address,
        server.token,
        body.len()
    )
    .unwrap();
    harness::until("there is a run", || !home.history().is_empty(), String::new);
    drop(caller);
    harness::until("the run is over", || home.last()["ended"].is_string(), || home.last().to_string());
    home.until_nothing_runs();
}
