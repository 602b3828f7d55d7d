//! What is copied there and when, and what a run asks before it starts.

use std::fs;

use stigmer_engine::live::Stop;

use crate::common::{until, within};
use crate::desk::{end, outcome, start};
use crate::sky::{Sky, asked, facts, ran, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_a_sandbox_that_is_up_asks_how_it_is_and_opens_a_terminal_whoever_was_there_before() {
    let Some(sky) = Sky::new() else { return };
    for _ in 0..2 {
        let engine = sky.open().await;
        succeeds(&engine, sky.line("true")).await;
        asked(&sky);
        let (record, _) = succeeds(&engine, sky.line("true")).await;
        assert!(facts(&record).reused);
        assert_eq!(asked(&sky), ["GET sandbox", "GET create-connect"]);
        within(engine.close(Stop::Force)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_sandbox_is_a_hint_and_no_more() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    fs::write(sky.workspace.join("a"), "x").unwrap();
    let (first, _) = ran(&engine, sky.line("rm -r ~/.stigmer/*/runner; cat a")).await;
    // The runner is gone, and is sent again.
    let (second, said) = succeeds(&engine, sky.line("cat a")).await;
    assert_eq!((said.as_str(), &facts(&second).id), ("x", &facts(&first).id));
    // The sandbox stops, and is started.
    sky.change(&facts(&first).name, "stopped", None);
    let (third, said) = succeeds(&engine, sky.line("cat a")).await;
    assert_eq!((said.as_str(), &facts(&third).id), ("x", &facts(&first).id));
    // It is deleted, and another one is made and has the workspace.
    sky.change(&facts(&first).name, "destroyed", None);
    let (fourth, said) = succeeds(&engine, sky.line("cat a")).await;
    assert_eq!((said.as_str(), facts(&fourth).reused), ("x", false));
    assert_ne!(facts(&fourth).id, facts(&first).id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_stays_brings_what_changed_since_and_so_does_one_that_comes_after_it() {
    let Some(sky) = Sky::new() else { return };
    let write = |path: &str, text: &str| {
        let path = sky.workspace.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let all = "find . -type f | LC_ALL=C sort | xargs grep -H .";
    let engine = sky.open().await;
    within(engine.stay()).await;
    write("a", "1");
    write("d/b", "1");
    succeeds(&engine, sky.line(all)).await;
    for round in 2..6 {
        write("a", &round.to_string());
        write(&format!("new{round}/deep/c"), &round.to_string());
        fs::remove_dir_all(sky.workspace.join("d")).unwrap();
        write("d/b", &format!("again {round}"));
        let (_, said) = succeeds(&engine, sky.line(all)).await;
        assert!(said.starts_with(&format!("./a:{round}\n./d/b:again {round}\n")), "{said}");
        assert!(said.ends_with(&format!("./new{round}/deep/c:{round}\n")), "{said}");
    }
    within(engine.close(Stop::Force)).await;
    write("a", "while nobody watched");
    let engine = sky.open().await;
    within(engine.stay()).await;
    let (_, said) = succeeds(&engine, sky.line("cat a")).await;
    assert_eq!(said, "while nobody watched");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_copy_that_is_stopped_goes_on_from_what_arrived() {
    let Some(sky) = Sky::new() else { return };
    let engine = sky.open().await;
    let piece = vec![7; 4 << 20];
    for number in 0..24 {
        fs::write(sky.workspace.join(format!("f{number:02}")), &piece).unwrap();
    }
    let id = start(&engine, sky.line("true")).await;
    // Later than the first part, which is 32 MiB.
    until("it is under way", || {
        let told = format!("{:?}", engine.events(id, 0).unwrap().0);
        let currents =
            told.split("current: ").skip(1).filter_map(|rest| rest.split(',').next()?.parse::<u64>().ok());
        currents.max().filter(|current| *current > 40 << 20).map(|_| ())
    })
    .await;
    within(engine.stop(id, Stop::Force)).await.unwrap();
    assert_eq!(outcome(&end(&engine, id).await).word(), "cancelled");
    let (record, said) = succeeds(&engine, sky.line("cat f* | wc -c")).await;
    assert!(said.ends_with(&format!("{}\n", 24 * piece.len())), "{said}");
    let told = format!("{:?}", engine.events(record.id, 0).unwrap().0);
    let again = told.split("copy the workspace: ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(again.parse::<u32>().unwrap() <= 24 - 8, "not all of it was sent again: {again}");
}
