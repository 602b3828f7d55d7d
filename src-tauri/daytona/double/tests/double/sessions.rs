//! Commands: what their shell makes of them.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Client, MODERN, possible, until};

#[tokio::test]
async fn a_plain_exit_ends_the_shell_and_the_command_never_finishes() {
    if !possible("a plain exit") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "echo said; exit 3").await;
    let said = async || client.get(&format!("{command}/logs")).await.json()["stdout"] == "said\n";
    until("it said so", said).await;
    let exec = format!("/toolbox/{id}/process/session/s/exec");
    let next =
        async |unwaited: bool| client.post(&exec, json!({ "command": "true", "runAsync": unwaited })).await;
    // What it still takes in is never carried out, so nobody waits for it.
    until("the shell ends", async || next(true).await.status == 410).await;
    let reply = next(false).await;
    assert_eq!((reply.status, &reply.json()["code"]), (410, &json!("SESSION_ENDED")));
    assert!(client.get(&command).await.json().get("exitCode").is_none());
    assert!(said().await);
    let wrapped = client.start(&id, "t", "( exit 3 )").await;
    assert_eq!(client.exit(&wrapped).await, 3);
}

#[tokio::test]
async fn a_command_is_over_when_nothing_holds_its_output() {
    if !possible("what holds output") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let began = Instant::now();
    let command = client.start(&id, "s", "sleep 1 & echo done").await;
    let next = client.again(&id, "s", "echo next").await;
    assert_eq!(client.exit(&next).await, 0);
    assert!(began.elapsed() >= Duration::from_secs(1), "commands of a session run one after the other");
    assert_eq!(client.exit(&command).await, 0);
    let command = client.again(&id, "s", "sleep 60 >/dev/null 2>&1 & echo done").await;
    assert_eq!(client.exit(&command).await, 0);
}

#[tokio::test]
async fn input_reaches_a_command_until_it_ends() {
    if !possible("input") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "read a; read b; echo \"$b $a\"").await;
    let input = format!("{command}/input");
    assert_eq!(client.post(&input, json!({ "data": "one" })).await.status, 204);
    assert_eq!(client.post(&input, json!({ "data": "two\n" })).await.status, 204);
    assert_eq!(client.exit(&command).await, 0);
    assert_eq!(client.get(&format!("{command}/logs")).await.json()["stdout"], "two one\n");
    let late = client.post(&input, json!({ "data": "x" })).await;
    assert_eq!((late.status, &late.json()["code"]), (410, &json!("COMMAND_ALREADY_COMPLETED")));
}

#[tokio::test]
async fn deleting_a_session_is_polite_first() {
    if !possible("the end of a session") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let delete = |session: &'static str| {
        let path = format!("/toolbox/{id}/process/session/{session}");
        let client = &client;
        async move { client.send("DELETE", &path, None, &[]).await.unwrap().status }
    };
    let polite = "trap 'echo asked >/tmp/asked; exit' TERM; echo >/tmp/one; while :; do sleep 0.05; done";
    client.start(&id, "polite", polite).await;
    client.start(&id, "stubborn", "sh -c \"trap '' TERM; echo >/tmp/two; sleep 60\"").await;
    client.run(&id, "until [ -e /tmp/one ] && [ -e /tmp/two ]; do sleep 0.05; done").await;
    assert_eq!(delete("polite").await, 204);
    assert_eq!(client.run(&id, "cat /tmp/asked").await, "asked\n");
    assert_eq!(delete("stubborn").await, 204);
    assert_eq!(client.run(&id, "ps ax | grep -c '[s]leep'").await, "0\n");
    assert_eq!(delete("stubborn").await, 404);
}

#[tokio::test]
async fn a_command_survives_the_client_that_started_it() {
    if !possible("a client that leaves") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let path = format!("/toolbox/{id}/process/execute");
    let wait = |file: &str| format!("until [ -e /tmp/{file} ]; do sleep 0.05; done");
    let command = format!("echo >/tmp/begun; {}; echo done >/tmp/new; mv /tmp/new /tmp/done", wait("go"));
    let begun = wait("begun");
    tokio::select! {
        _ = client.post(&path, json!({ "command": command })) => panic!("it waits for what nobody said yet"),
        _ = client.run(&id, &begun) => {}
    }
    // As long as it takes to notice that the client has left.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.run(&id, &format!("echo >/tmp/go; {}; cat /tmp/done", wait("done"))).await, "done\n");
}

#[tokio::test]
async fn a_synchronous_command_answers_in_the_form_that_its_caller_knows() {
    if !possible("forms of output") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    client.start(&id, "s", "true").await;
    let path = format!("/toolbox/{id}/process/session/s/exec");
    let body = || Some(json!({ "command": "echo out; echo err >&2" }));
    let old = client.send("POST", &path, body(), &[]).await.unwrap().json();
    let lines = old["output"].as_str().unwrap();
    assert!(lines.contains("out\n") && lines.contains("err\n") && !lines.contains('\u{1}'), "{lines:?}");
    assert!(old.get("stdout").is_none());
    let modern = client.send("POST", &path, body(), &[MODERN]).await.unwrap().json();
    assert_eq!((&modern["stdout"], &modern["stderr"]), (&json!("out\n"), &json!("err\n")));
    assert!(modern["output"].as_str().unwrap().contains('\u{1}'));
}
