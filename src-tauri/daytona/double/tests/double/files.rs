//! Files of sandboxes.

use serde_json::json;

use crate::harness::{Client, possible};

#[tokio::test]
async fn a_program_can_be_executed_at_once_while_others_are_started() {
    if !possible("programs that are uploaded") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let busy = async {
        for _ in 0..40 {
            client.run(&id, "true").await;
        }
    };
    let upload = async {
        for n in 0..40 {
            let path = format!("/home/daytona/bin/program-{n}");
            let files = format!("/toolbox/{id}/files");
            let program = Some(json!("#!/bin/sh\necho ran\n"));
            let made =
                client.send("POST", &format!("{files}/upload-v2?path={path}"), program, &[]).await.unwrap();
            assert_eq!(made.status, 200, "{}", made.text());
            let marked =
                client.send("POST", &format!("{files}/permissions?path={path}&mode=755"), None, &[]).await;
            assert_eq!(marked.unwrap().status, 200);
            assert_eq!(client.run(&id, &path).await, "ran\n");
        }
    };
    tokio::join!(busy, upload);
}

#[tokio::test]
async fn a_file_is_downloaded_whole_and_in_parts() {
    if !possible("downloads") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    client.run(&id, "printf 0123456789 >/workspace/digits").await;
    let path = format!("/toolbox/{id}/files/download?path=/workspace/digits");
    let whole = client.get(&path).await;
    assert_eq!(
        (whole.status, whole.text().as_str(), whole.headers["content-length"].as_str()),
        (200, "0123456789", "10")
    );
    for (range, part) in [("bytes=2-4", "234"), ("bytes=7-", "789"), ("bytes=-2", "89")] {
        let reply = client.send("GET", &path, None, &[("range", range)]).await.unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (206, part));
    }
    let past = client.send("GET", &path, None, &[("range", "bytes=10-")]).await.unwrap();
    assert_eq!(past.status, 416);
}

#[tokio::test]
async fn what_is_wrong_with_a_path_is_told_by_status_and_code() {
    if !possible("paths") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    let files = format!("/toolbox/{id}/files");
    let cases = [
        ("GET", "/info?path=/nowhere", 404, "FILE_NOT_FOUND"),
        ("GET", "/info", 400, "BAD_REQUEST"),
        ("GET", "/download?path=/workspace", 400, "INVALID_FILE_PATH"),
        ("DELETE", "?path=/workspace", 400, "BAD_REQUEST"),
        ("POST", "/move?source=/nowhere&destination=/x", 404, "FILE_NOT_FOUND"),
        ("POST", "/move?source=/workspace&destination=/tmp", 409, "CONFLICT"),
        ("POST", "/folder?path=/x&mode=9", 400, "BAD_REQUEST"),
    ];
    for (method, path, status, code) in cases {
        let reply = client.send(method, &format!("{files}{path}"), None, &[]).await.unwrap();
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(code)), "{path}");
    }
    let none = client.post(&format!("{files}/bulk-download"), json!({ "paths": [] })).await;
    assert_eq!((none.status, none.json().get("error").is_some()), (400, true));
}

#[tokio::test]
async fn many_files_come_in_one_answer_that_says_where_it_ends() {
    if !possible("many files") {
        return;
    }
    let client = Client::quick();
    let id = client.sandbox().await;
    client.run(&id, "printf one >'/workspace/ä'").await;
    let reply = client
        .post(&format!("/toolbox/{id}/files/bulk-download"), json!({ "paths": ["/workspace/ä", "no"] }))
        .await;
    assert_eq!(reply.headers["content-type"], "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY");
    let text = reply.text();
    assert!(
        text.contains("name=\"file\"; filename=\"/workspace/ä\"; filename*=utf-8''/workspace/%C3%A4\r\n"),
        "{text}"
    );
    assert!(text.contains("\r\n\r\none\r\n--DAYTONA-FILE-BOUNDARY\r\n"), "{text}");
    assert!(text.contains("name=\"error\"") && text.contains("FILE_NOT_FOUND"), "{text}");
    assert!(text.ends_with("\r\n--DAYTONA-FILE-BOUNDARY--\r\n"), "{text}");
}
