//! Files, both ways.

use std::time::Duration;

use bytes::Bytes;
use daytona_double::{Effect, Options};
use futures_util::stream;
use stigmer_daytona::{Downloads, Error, Files, Part, Permissions, Upload};

use crate::ground::{Ground, ground, ground_with, kind};

async fn files(ground: &Ground) -> Option<Files> {
    Some(ground.toolbox().await?.files())
}

/// So many bytes of every kind.
fn noise(length: usize) -> Vec<u8> {
    let mut seed = 1u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

async fn everything(downloads: &mut Downloads) -> Vec<(String, Result<Vec<u8>, String>)> {
    let mut all = Vec::new();
    while let Some(part) = downloads.next().await.unwrap() {
        match part {
            Part::File { path } => {
                let mut bytes = Vec::new();
                while let Some(chunk) = downloads.chunk().await.unwrap() {
                    bytes.extend_from_slice(&chunk);
                }
                all.push((path, Ok(bytes)));
            }
            Part::Failed { path, error } => all.push((path, Err(kind::<()>(&Err(error))))),
        }
    }
    all
}

#[tokio::test]
async fn what_is_sent_can_be_fetched() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    let bytes = noise(3 << 20);
    files.upload(Upload::bytes("/tmp/a b/grün \"x\".bin", bytes.clone())).await.unwrap();
    let download = files.download("/tmp/a b/grün \"x\".bin").await.unwrap();
    assert_eq!(download.length(), Some(bytes.len() as u64));
    assert!(download.bytes().await.unwrap() == bytes);
    let info = files.info("/tmp/a b/grün \"x\".bin").await.unwrap();
    assert_eq!((info.size, info.is_dir), (bytes.len() as u64, false));
}

#[tokio::test]
async fn files_streams_and_bytes_travel_in_one_request() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    let local = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(local.path(), noise(100_000)).unwrap();
    let pieces = stream::iter([Ok(Bytes::from_static(b"one ")), Ok(Bytes::from_static(b"two"))]);
    let uploads = vec![
        Upload::bytes("many/empty", Bytes::new()),
        Upload::stream("many/stream", pieces),
        Upload::file("many/file", local.path()),
    ];
    files.upload_many(uploads).await.unwrap();
    assert_eq!(ground.asked("POST", "*/files/bulk-upload"), 1);
    let paths = ["many/file", "many/nothing", "many/empty", "many/stream"];
    let mut downloads = files.download_many(&paths).await.unwrap();
    let all = everything(&mut downloads).await;
    let expected = [
        (paths[0].to_owned(), Ok(noise(100_000))),
        (paths[1].to_owned(), Err("NotFound".to_owned())),
        (paths[2].to_owned(), Ok(Vec::new())),
        (paths[3].to_owned(), Ok(b"one two".to_vec())),
    ];
    assert!(all == expected, "{:?}", all.iter().map(|(path, _)| path).collect::<Vec<_>>());
    assert!(downloads.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_part_that_is_not_read_is_passed_over() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    let uploads = vec![Upload::bytes("a", noise(300_000)), Upload::bytes("b", "bee")];
    files.upload_many(uploads).await.unwrap();
    let mut downloads = files.download_many(&["a", "b"]).await.unwrap();
    downloads.next().await.unwrap();
    downloads.chunk().await.unwrap();
    let second = downloads.next().await.unwrap();
    assert!(matches!(second, Some(Part::File { path }) if path == "b"));
}

#[tokio::test]
async fn a_form_that_breaks_off_is_told_as_cut() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    files.upload(Upload::bytes("a", noise(10_000))).await.unwrap();
    ground.once("POST", "*/bulk-download", Effect::Cut { bytes: 5000 });
    let mut downloads = files.download_many(&["a"]).await.unwrap();
    downloads.next().await.unwrap();
    let broken = loop {
        match downloads.chunk().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert_eq!(kind(&broken), "Cut");
}

#[tokio::test]
async fn a_download_that_breaks_off_is_continued_or_told_as_cut() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    let bytes = noise(200_000);
    files.upload(Upload::bytes("a", bytes.clone())).await.unwrap();
    ground.once("GET", "*/files/download", Effect::Cut { bytes: 70_000 });
    match files.download("a").await.unwrap().bytes().await {
        Ok(received) => assert!(received == bytes),
        Err(error) => assert!(matches!(error, Error::Cut { .. }), "{error:?}"),
    }
}

#[tokio::test]
async fn sending_is_repeated_where_the_bytes_can_be_read_again() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    ground.once("POST", "*/bulk-upload", Effect::Drop);
    files.upload(Upload::bytes("a", noise(100_000))).await.unwrap();
    assert_eq!(ground.asked("POST", "*/bulk-upload"), 2);
    ground.once("POST", "*/bulk-upload", Effect::Drop);
    let pieces = stream::iter([Ok(Bytes::from_static(b"once"))]);
    let result = files.upload(Upload::stream("b", pieces)).await;
    assert!(result.as_ref().unwrap_err().may_have_happened(), "{result:?}");
    assert_eq!(ground.asked("POST", "*/bulk-upload"), 3);
}

#[tokio::test]
async fn a_transfer_that_stands_still_is_given_up() {
    let short = Duration::from_millis(300);
    let ground = ground_with(Options::quick(), |config| {
        (config.limits.stall, config.limits.call) = (short, short);
    });
    let Some(files) = files(&ground).await else { return };
    assert_eq!(kind(&files.upload(Upload::stream("a", stream::pending())).await), "Timeout");
    files.upload(Upload::bytes("b", "bee")).await.unwrap();
    ground.always("GET", "*/files/download", Effect::Hang);
    assert_eq!(kind(&files.download("b").await.map(drop)), "Timeout");
}

#[tokio::test]
async fn a_local_file_that_is_not_there_is_told_before_anything_is_sent() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    let result = files.upload(Upload::file("a", "/no/such/file")).await;
    assert_eq!(kind(&result), "File");
    assert_eq!(ground.asked("POST", "*/bulk-upload"), 0);
    assert_eq!(kind(&files.upload(Upload::bytes("a\r\nb", "x")).await), "Misuse");
}

#[tokio::test]
async fn folders_are_made_listed_moved_and_deleted() {
    let ground = ground();
    let Some(files) = files(&ground).await else { return };
    files.create_folder("/tmp/one/two", "0755").await.unwrap();
    files.upload(Upload::bytes("/tmp/one/two/x", "x")).await.unwrap();
    let permissions = Permissions { mode: Some("0600".to_owned()), ..Permissions::default() };
    files.set_permissions("/tmp/one/two/x", &permissions).await.unwrap();
    assert_eq!(files.info("/tmp/one/two/x").await.unwrap().permissions, "0600");
    files.rename("/tmp/one/two", "/tmp/three").await.unwrap();
    let list = files.list("/tmp/three").await.unwrap();
    assert_eq!(list.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["x"]);
    assert_eq!(kind(&files.delete("/tmp/three", false).await), "Invalid");
    assert!(files.delete("/tmp/three", true).await.unwrap());
    assert!(!files.delete("/tmp/three", true).await.unwrap());
    assert_eq!(kind(&files.info("/tmp/three").await), "NotFound");
    assert_eq!(kind(&files.download("/tmp").await.map(drop)), "Invalid");
}
