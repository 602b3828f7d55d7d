//! Followed logs: how they are framed, and what goes wrong with them.

use std::time::Duration;

use daytona_double::{Effect, Ending, Fault, Options};
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::harness::{Client, MODERN, possible};

/// Says lines on both streams, with characters that no piece of three bytes holds whole.
const TALK: &str = "for n in 1 2 3; do echo \"ä$n\"; echo \"💥$n\" >&2; done; printf last";

#[tokio::test]
async fn markers_and_characters_are_cut_anywhere_and_nothing_is_lost() {
    if !possible("framing") {
        return;
    }
    let client = Client::new(Options { chunk: 3, ..Options::quick() });
    let id = client.sandbox().await;
    let command = client.start(&id, "s", TALK).await;
    let seen = client.follow(&command, &[MODERN]).await;
    assert_eq!(seen.split(), ("ä1\nä2\nä3\nlast\n".to_owned(), "💥1\n💥2\n💥3\n".to_owned()));
    assert_eq!((seen.close, seen.largest), (Some(1000), 3));
    let again = client.follow(&command, &[MODERN]).await;
    assert_eq!(again.bytes, seen.bytes, "whoever comes late gets everything");
}

#[tokio::test]
async fn who_names_no_version_cannot_tell_the_streams_apart() {
    if !possible("old clients") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "echo one; sleep 0.1; echo two >&2").await;
    client.exit(&command).await;
    let logs = format!("{command}/logs");
    assert_eq!(client.follow(&command, &[]).await.bytes, b"one\ntwo\n");
    assert_eq!(client.follow(&command, &[("x-daytona-sdk-version", "0.26.0")]).await.bytes, b"one\ntwo\n");
    let marked = b"\x01\x01\x01one\n\x02\x02\x02two\n";
    assert_eq!(client.follow(&command, &[("x-daytona-sdk-version", "0.27.0")]).await.bytes, marked);
    let get = async |headers: &[(&str, &str)]| client.send("GET", &logs, None, headers).await.unwrap();
    assert_eq!(get(&[]).await.body, b"one\ntwo\n");
    assert_eq!(get(&[("x-daytona-split-output", "true")]).await.body, marked);
    assert_eq!(get(&[MODERN]).await.json()["stderr"], "two\n");
    let bridged = client.send("GET", &format!("{logs}?follow=true"), None, &[MODERN]).await.unwrap();
    assert_eq!(
        (bridged.body.as_slice(), bridged.headers["content-type"].as_str()),
        (&b"one\ntwo\n"[..], "application/octet-stream")
    );
}

#[tokio::test]
async fn a_version_in_the_subprotocol_is_chosen() {
    if !possible("subprotocols") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "echo one").await;
    let offer = ("sec-websocket-protocol", "X-Daytona-SDK-Version~0.226.1");
    assert_eq!(client.follow(&command, &[offer]).await.bytes, b"\x01\x01\x01one\n");
}

#[tokio::test]
async fn a_log_is_followed_while_it_grows() {
    if !possible("growing logs") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "read line; echo \"got $line\"").await;
    let mut socket = client.socket(&format!("{command}/logs?follow=true"), &[MODERN]).await.unwrap();
    client.post(&format!("{command}/input"), json!({ "data": "it" })).await;
    assert!(matches!(socket.next().await, Some(Message::Binary(_))));
    socket.say(Message::Ping(b"x".to_vec().into())).await;
    let rest = socket.all().await;
    assert_eq!(rest.close, Some(1000));
}

#[tokio::test]
async fn who_sends_data_to_a_log_never_learns_of_its_end() {
    if !possible("data for a log") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "read line").await;
    let mut socket = client.socket(&format!("{command}/logs?follow=true"), &[MODERN]).await.unwrap();
    socket.say(Message::text("hello")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.post(&format!("{command}/input"), json!({ "data": "it" })).await;
    assert_eq!(client.exit(&command).await, 0);
    assert!(tokio::time::timeout(Duration::from_millis(300), socket.all()).await.is_err());
}

#[tokio::test]
async fn a_log_ends_early_as_it_was_told() {
    if !possible("logs that end early") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "echo 0123456789").await;
    client.exit(&command).await;
    let ends = [
        (Ending::Close { code: 1000 }, Some(1000)),
        (Ending::Close { code: 1011 }, Some(1011)),
        (Ending::Drop, None),
    ];
    for (then, close) in ends {
        client.double.fault(Fault::once("GET", "*/logs", Effect::Socket { after: 5, then }));
        let seen = client.follow(&command, &[MODERN]).await;
        assert_eq!((seen.bytes.as_slice(), seen.close), (&b"\x01\x01\x0101"[..], close));
    }
    client.double.fault(Fault::once("GET", "*/logs", Effect::Socket { after: 5, then: Ending::Stall }));
    let socket = client.socket(&format!("{command}/logs?follow=true"), &[MODERN]).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), socket.all()).await.is_err());
    let whole = client.follow(&command, &[MODERN]).await;
    assert_eq!(whole.bytes, b"\x01\x01\x010123456789\n");
}

#[tokio::test]
async fn a_log_repeats_itself_or_is_not_to_be_had() {
    if !possible("logs that repeat") {
        return;
    }
    let client = Client::new(Options { chunk: 1, ..Options::quick() });
    let id = client.sandbox().await;
    let command = client.start(&id, "s", "echo ab").await;
    client.exit(&command).await;
    client.double.fault(Fault::once("GET", "*/logs", Effect::Repeat { bytes: 4 }));
    let seen = client.follow(&command, &[MODERN]).await;
    assert_eq!(seen.bytes, b"\x01\x01\x01a\x01\x01\x01ab\n");
    client.double.fault(Fault::once("GET", "*/logs", Effect::bad_gateway()));
    let refused = client.socket(&format!("{command}/logs?follow=true"), &[MODERN]).await;
    match refused.map(|_| ()) {
        Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 502),
        other => panic!("{other:?}"),
    }
}
