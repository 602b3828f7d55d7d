//! Whoever a command runs as, it finds a home that it may write to.

use stigmer_engine::spec::Sandbox;

use crate::yard::{Yard, fresh, refused, succeeds};

fn user(user: &str) -> Sandbox {
    Sandbox { user: Some(user.to_owned()), ..fresh() }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_the_image_and_such_that_it_does_not_know_have_a_home() {
    let yard = Yard::new();
    let engine = yard.open().await;
    for (name, expected) in
        [("sandbox", "1000:1000"), ("1000:1000", "1000:1000"), ("4711:4712", "4711:4712"), ("0:0", "0:0")]
    {
        let line = "echo $(id -u):$(id -g); cd && echo >file && cat file && pwd";
        let (_, said) = succeeds(&engine, yard.within(user(name), line)).await;
        assert!(said.starts_with(&format!("{expected}\n\n/")), "{name}: {said}");
    }
    let error = refused(&engine, yard.within(user("nobody-at-all"), "true")).await;
    assert_eq!(error.code, "sandbox-refused");
    assert!(error.hint.unwrap().contains("--user"));
}
