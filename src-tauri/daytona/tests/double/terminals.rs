//! Terminals.

use std::time::Duration;

use bytes::Bytes;
use daytona_double::{Effect, Ending};
use stigmer_daytona::{Error, Pty, PtyEvent, PtyOptions};

use crate::ground::{LONG, ground, kind};

/// Reads until `text` was shown.
async fn until(pty: &mut Pty, text: &str) -> String {
    let mut shown = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&shown).contains(text) {
            match pty.next().await.unwrap() {
                Some(PtyEvent::Output(bytes)) => shown.extend_from_slice(&bytes),
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&shown)),
            }
        }
    };
    tokio::time::timeout(LONG, read).await.unwrap();
    String::from_utf8_lossy(&shown).into_owned()
}

async fn exit(pty: &mut Pty) -> Option<i64> {
    loop {
        match pty.next().await.unwrap() {
            Some(PtyEvent::Output(_)) => {}
            Some(PtyEvent::Exit { code, .. }) => return code,
            None => panic!("the end came without an exit"),
        }
    }
}

#[tokio::test]
async fn a_terminal_shows_what_is_typed_and_what_comes_of_it() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let mut options = PtyOptions { cols: 100, rows: 30, ..PtyOptions::new("t") };
    options.env.insert("GREETING".to_owned(), "hel lo".to_owned());
    options.cwd = Some("/tmp".to_owned());
    let mut pty = toolbox.open_pty(&options).await.unwrap();
    let input = pty.input();
    input.send("echo \"<$GREETING>\" $PWD; stty size\n").await.unwrap();
    let shown = until(&mut pty, "30 100").await;
    assert!(shown.contains("<hel lo> /tmp"), "{shown:?}");
    assert_eq!(pty.resize(120, 40).await.unwrap().cols, 120);
    input.send("stty size\n").await.unwrap();
    until(&mut pty, "40 120").await;
    assert!(toolbox.ptys().await.unwrap().iter().any(|own| own.id == "t" && own.active));
    input.send("exit 3\n").await.unwrap();
    assert_eq!(exit(&mut pty).await, Some(3));
    assert_eq!(pty.next().await.unwrap(), None);
}

#[tokio::test]
async fn bytes_pass_as_they_are_and_many_at_once() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let mut pty = toolbox.open_pty(&PtyOptions::new("t")).await.unwrap();
    let input = pty.input();
    input.send("stty raw -echo; echo ready; head -c 200000 | md5sum\n").await.unwrap();
    until(&mut pty, "ready\n").await;
    let bytes: Vec<u8> = (0..200_000u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let typed = tokio::spawn(async move { input.send(Bytes::from(bytes)).await });
    let expected = std::process::Command::new("python3")
        .args(["-c", "import hashlib;print(hashlib.md5(bytes(n%251 for n in range(200000))).hexdigest())"])
        .output();
    typed.await.unwrap().unwrap();
    if let Ok(output) = expected {
        until(&mut pty, String::from_utf8(output.stdout).unwrap().trim()).await;
    }
}

#[tokio::test]
async fn an_exit_of_zero_is_told_and_so_is_being_killed() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let mut pty = toolbox.open_pty(&PtyOptions::new("a")).await.unwrap();
    pty.input().send("exit\n").await.unwrap();
    assert_eq!(exit(&mut pty).await, Some(0));
    let mut pty = toolbox.open_pty(&PtyOptions::new("b")).await.unwrap();
    assert!(pty.kill().await.unwrap());
    assert_eq!(exit(&mut pty).await, Some(137));
    assert!(!toolbox.kill_pty("b").await.unwrap());
}

#[tokio::test]
async fn a_terminal_is_opened_once_and_can_be_attached() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let pty = toolbox.open_pty(&PtyOptions::new("t")).await.unwrap();
    assert_eq!(kind(&toolbox.open_pty(&PtyOptions::new("t")).await), "Conflict");
    pty.detach().await.unwrap();
    let mut again = toolbox.attach_pty("t").await.unwrap();
    again.input().send("echo still $((40 + 2))\n").await.unwrap();
    until(&mut again, "still 42").await;
    assert_eq!(kind(&toolbox.attach_pty("nobody").await), "NotFound");
    let wrong = PtyOptions { cols: 0, ..PtyOptions::new("u") };
    assert_eq!(kind(&toolbox.open_pty(&wrong).await), "Invalid");
}

#[tokio::test]
async fn an_older_sandbox_opens_a_terminal_in_two_steps() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    ground.always("GET", "*/pty/create-connect", Effect::status(404));
    let mut options = PtyOptions::new("t");
    options.env.insert("A".to_owned(), "old".to_owned());
    let mut pty = toolbox.open_pty(&options).await.unwrap();
    pty.input().send("echo $A-fashioned\n").await.unwrap();
    until(&mut pty, "old-fashioned").await;
}

#[tokio::test]
async fn opening_a_terminal_is_not_repeated() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    ground.once("GET", "*/pty/create-connect", Effect::Drop);
    assert_eq!(kind(&toolbox.open_pty(&PtyOptions::new("t")).await), "Unreachable sent");
    assert_eq!(ground.asked("GET", "*/pty/create-connect"), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_shell_to_be_attached() {
    let ground = ground();
    let Some(toolbox) = ground.toolbox().await else { return };
    let sandbox = ground.sandboxes().get("inside").await.unwrap();
    let mut pty = toolbox.open_pty(&PtyOptions::new("t")).await.unwrap();
    drop(ground.sandboxes().stop(&sandbox.id, true).await);
    let broken = loop {
        match pty.next().await {
            Ok(Some(PtyEvent::Output(_))) => {}
            other => break other,
        }
    };
    assert!(matches!(broken, Err(Error::Cut { .. }) | Ok(Some(PtyEvent::Exit { .. }))), "{broken:?}");
}

#[tokio::test]
async fn a_peer_that_gives_no_sign_of_life_is_given_up() {
    let silence = Duration::from_millis(300);
    let ground = crate::ground::ground_with(daytona_double::Options::quick(), |config| {
        config.limits.silence = silence;
    });
    let Some(toolbox) = ground.toolbox().await else { return };
    let mut pty = toolbox.open_pty(&PtyOptions::new("t")).await.unwrap();
    pty.input().send("echo up\n").await.unwrap();
    until(&mut pty, "up\r\n").await;
    // It answers pings, so silence alone is none.
    let quiet = tokio::time::timeout(silence * 5, async {
        while let Ok(Some(PtyEvent::Output(_))) = pty.next().await {}
    });
    assert!(quiet.await.is_err(), "a shell that prints nothing is alive");
    // One that stalls reads nothing and so answers nothing.
    let session = toolbox.create_session("s").await.unwrap();
    ground.always("GET", "*/logs", Effect::Socket { after: 3, then: Ending::Stall });
    let command = session.exec("(echo one; sleep 1; echo two)").await.unwrap();
    let mut follow = session.follow(&command);
    while follow.next().await.unwrap().is_some() {}
    assert_eq!(follow.position().stdout, 8);
}
