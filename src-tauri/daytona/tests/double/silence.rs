//! What must not be said: the key, and what lets in without it, in no log, error or `Debug`.

use std::io::Write;
use std::sync::{Arc, Mutex};

use daytona_double::{Effect, Options};
use stigmer_daytona::{Code, Event, Execute, NewSandbox, PtyOptions, Template};
use tracing_subscriber::fmt::MakeWriter;

use crate::ground::ground_with;

const KEY: &str = "dtn_0123456789abcdef";
const SECRET: &str = "value-of-a-variable";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn neither_the_key_nor_the_environment_is_ever_written() {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(written.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut said = Vec::new();
    let options = Options { key: KEY.to_owned(), ..Options::quick() };
    let ground = ground_with(options, |config| said.push(format!("{config:?}")));
    said.push(format!("{:?} {:?}", ground.client, ground.client.account().check().await));
    let env: std::collections::BTreeMap<_, _> = [("A".to_owned(), SECRET.to_owned())].into();
    let new = NewSandbox { env: env.clone(), ..NewSandbox::new("quiet", Template::Default) };
    ground.once("POST", "/api/sandbox", Effect::Lost);
    said.push(format!("{new:?} {:?}", ground.sandboxes().create(&new).await));
    ground.once("GET", "/api/sandbox/*", Effect::refuse(500, &format!("no such key: Bearer {KEY}")));
    said.push(format!("{:?}", ground.sandboxes().stop("nobody", true).await));
    ground.once("POST", "*/ssh-access", Effect::refuse(401, &format!("{KEY} is unknown")));
    said.push(format!("{:?}", ground.sandboxes().ssh_access("quiet", 5).await));
    if let Some(toolbox) = ground.toolbox().await {
        let execute = Execute { env: env.clone(), ..Execute::new("true") };
        said.push(format!("{execute:?} {:?}", toolbox.execute(&execute).await));
        let pty = PtyOptions { env: env.clone(), ..PtyOptions::new("t") };
        said.push(format!("{pty:?} {:?}", toolbox.open_pty(&pty).await));
        let code = Code { envs: env, ..Code::new("1") };
        said.push(format!("{code:?} {:?}", toolbox.interpreter().execute(&code).await));
        let session = toolbox.create_session("s").await.unwrap();
        let command = session.exec("(echo hi)").await.unwrap();
        ground.once("GET", "*/logs", Effect::Drop);
        let mut follow = session.follow(command);
        while !matches!(follow.next().await.unwrap(), None | Some(Event::Exit(_))) {}
        said.push(format!("{session:?} {follow:?}"));
    }
    let logged = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("POST /sandbox"), "something was logged: {logged}");
    for text in [said.join(" "), logged] {
        assert!(!text.contains("0123456789abcdef"), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }
}
