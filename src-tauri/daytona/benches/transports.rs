//! What could carry a run's bytes out of a sandbox, side by side: a command's time to its end, the speed of much output, and
//! whether bytes arrive as they were. `cargo bench -p stigmer-daytona` prints the table; it asserts nothing.
//!
//! All of them ask the same stand-in in one program, which frames logs as Daytona does.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "it prints a table, or says where it failed")]

use std::time::{Duration, Instant};

use daytona_double::{Double, Options};
use stigmer_daytona::{
    Client, Config, Event, Execute, NewSandbox, PtyEvent, PtyOptions, Result, State, Stream, Template,
    Toolbox,
};
use tokio::time::sleep;

const TIMES: usize = 25;
const LONG: Duration = Duration::from_secs(30);

/// 16 MB of text.
const LINES: &str = "seq -w 2000000";

/// 16 MB of every byte, most of which are no text.
const BYTES: &str = r#"python3 -c "import sys; sys.stdout.buffer.write(bytes(range(256)) * 62500)""#;

/// What both of them are in megabytes.
const MEGABYTES: f64 = 16.0;

/// Time between two looks at a file of output that grows.
const LOOK: Duration = Duration::from_millis(50);

/// What a transport brings of a command's standard output.
async fn bring(transport: &str, toolbox: &Toolbox, number: usize, command: &str) -> Result<Vec<u8>> {
    let name = format!("{}{number}", transport.replace(' ', "-"));
    match transport {
        "one call" => {
            let executed = toolbox.execute(&Execute { timeout: LONG, ..Execute::new(command) }).await?;
            Ok(executed.result.into_bytes())
        }
        "followed log" => {
            let session = toolbox.create_session(name).await?;
            let started = session.exec(&format!("({command})")).await?;
            let (mut follow, mut all) = (session.follow(&started), Vec::new());
            while let Some(event) = follow.next().await? {
                if let Event::Output(output) = event
                    && output.stream == Stream::Stdout
                {
                    all.extend_from_slice(&output.bytes);
                }
            }
            session.delete().await?;
            Ok(all)
        }
        "raw terminal" => {
            let mut pty = toolbox.open_pty(&PtyOptions::new(name)).await?;
            let line = format!(" exec sh -c 'stty raw -echo; printf be%s gin; {command}'\n");
            pty.input().send(line.into_bytes()).await?;
            let mut all = Vec::new();
            while let Some(event) = pty.next().await? {
                if let PtyEvent::Output(bytes) = event {
                    all.extend_from_slice(&bytes);
                }
            }
            let begin = all.windows(5).position(|part| part == b"begin").unwrap() + 5;
            Ok(all.split_off(begin))
        }
        "file that is read" => {
            let session = toolbox.create_session(name.clone()).await?;
            let started = session.exec(&format!("({command}) > /tmp/{name}")).await?;
            while session.command(&started).await?.exit_code.is_none() {
                sleep(LOOK).await;
            }
            let file = toolbox.files().download(&format!("/tmp/{name}")).await?;
            let all = file.bytes().await?;
            session.delete().await?;
            Ok(all)
        }
        _ => unreachable!(),
    }
}

/// How fast output came, and whether it is what was printed.
async fn much(transport: &str, toolbox: &Toolbox, number: usize, command: &str, expected: &[u8]) -> String {
    let begun = Instant::now();
    let all = match bring(transport, toolbox, number, command).await {
        Ok(all) => all,
        Err(error) => return format!("breaks off: {error}"),
    };
    let speed = MEGABYTES / begun.elapsed().as_secs_f64();
    let exact = if all == expected { "exact" } else { "changed" };
    format!("{speed:.0} MB/s, {exact}")
}

#[tokio::main]
async fn main() {
    let double = Double::start(Options::quick());
    let client = Client::new(&Config::new(double.key()).at(double.url())).unwrap();
    let sandboxes = client.sandboxes();
    let made = sandboxes.create(&NewSandbox::new("bench", Template::Default)).await.unwrap();
    let sandbox = sandboxes.wait(&made.id, &State::Started, LONG).await.unwrap();
    let toolbox = client.toolbox(&sandbox).unwrap();
    let lines: Vec<u8> = (1..=2_000_000).flat_map(|number| format!("{number:07}\n").into_bytes()).collect();
    let bytes: Vec<u8> = (0..=255).cycle().take(256 * 62_500).collect();
    println!("| what carries output | a command that does nothing | 16 MB of lines | 16 MB of any bytes |");
    println!("| --- | --- | --- | --- |");
    for transport in ["one call", "followed log", "raw terminal", "file that is read"] {
        let mut times = Vec::new();
        for number in 0..TIMES {
            let begun = Instant::now();
            bring(transport, &toolbox, number, "true").await.unwrap();
            times.push(begun.elapsed());
        }
        times.sort();
        let nothing = times[TIMES / 2].as_secs_f64() * 1e3;
        let text = much(transport, &toolbox, TIMES, LINES, &lines).await;
        let any = much(transport, &toolbox, TIMES + 1, BYTES, &bytes).await;
        println!("| {transport} | {nothing:.1} ms | {text} | {any} |");
    }
}
