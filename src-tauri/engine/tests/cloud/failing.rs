//! What goes wrong in the cloud is told as what it is, and nothing is left behind.

use crate::sky::{Sky, refused};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_or_missing_is_told_with_what_to_do() {
    let Some(sky) = Sky::new() else { return };
    let text = std::fs::read_to_string(sky.home.config()).unwrap();
    std::fs::write(sky.home.config(), text.replace(sky.double.key(), "dtn_wrong")).unwrap();
    let engine = sky.open().await;
    let error = refused(&engine, sky.line("true")).await;
    assert_eq!(error.code, "daytona-key-refused");
    assert!(error.hint.unwrap().contains("auth login") && !error.message.contains("dtn_wrong"));
    std::fs::write(sky.home.config(), "mode: daytona\n").unwrap();
    assert_eq!(refused(&engine, sky.line("true")).await.code, "daytona-no-key");
}
