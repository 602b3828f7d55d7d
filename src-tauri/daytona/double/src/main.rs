//! A stand-in for Daytona's API, to try things out by hand and for tests in other languages.

fn main() -> std::process::ExitCode {
    program::main()
}

#[cfg(not(target_os = "linux"))]
mod program {
    pub(crate) fn main() -> std::process::ExitCode {
        std::process::ExitCode::FAILURE
    }
}

#[cfg(target_os = "linux")]
mod program {
    #![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command")]

    use std::process::ExitCode;
    use std::time::Duration;

    use daytona_double::{Double, Options};

    const HELP: &str = "\
Stands in for Daytona's API, with real processes in folders that are gone at the end.
The first line on standard output is the base URL. Ends with its standard input, or when it is interrupted.

Usage: daytona-double [OPTION]...

  --listen ADDR     where to listen [127.0.0.1:0]
  --key KEY         the key that is good [dtn_test]
  --permissions P   what the key may do, separated by commas [everything]
  --delay-ms N      how long a state lasts that passes by itself [300]
  --list-lag-ms N   how long it takes until lists show a new sandbox [0]
  --build-ms N      how long a build takes [1500]
  --hold-ms N       how long the answer to a create or a start waits for `started` [30000]
  --log-close-ms N  the time between the end of a command and that of its followed log [1000]
  --grace-ms N      the time between the polite and the forced end of a session [5000]
  --minute-ms N     how long a minute of the timers lasts [60000]
  --chunk BYTES     the largest piece of a log in one message [1024]
  --stay            does not end with its standard input
  --help

Faults are set with POST /__double/faults, requests read with GET /__double/requests.
";

    pub(crate) fn main() -> ExitCode {
        let (options, stay) = match parsed(std::env::args().skip(1)) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            Err(message) => {
                eprintln!("error: {message}");
                return ExitCode::from(2);
            }
        };
        if let Err(why) = daytona_double::possible() {
            eprintln!("warning: no sandbox will start: {why}");
        }
        match Double::try_start(options) {
            Ok(double) => {
                println!("{}", double.url());
                wait(stay);
                drop(double);
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: cannot start: {error}");
                ExitCode::FAILURE
            }
        }
    }

    /// What the arguments say, and whether to outlive standard input; `None` for help.
    fn parsed(mut arguments: impl Iterator<Item = String>) -> Result<Option<(Options, bool)>, String> {
        let mut options = Options::default();
        let mut stay = false;
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--stay" => {
                    stay = true;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value, or is no option"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{name}: `{value}` is not a number"));
            let time = || number().map(Duration::from_millis);
            match name.as_str() {
                "--listen" => {
                    options.listen =
                        value.parse().map_err(|_| format!("--listen: `{value}` is not an address"))?;
                }
                "--key" => options.key = value,
                "--permissions" => options.permissions = value.split(',').map(str::to_owned).collect(),
                "--delay-ms" => options.delay = time()?,
                "--list-lag-ms" => options.list_lag = time()?,
                "--build-ms" => options.build = time()?,
                "--hold-ms" => options.hold = time()?,
                "--log-close-ms" => options.log_close = time()?,
                "--grace-ms" => options.grace = time()?,
                "--minute-ms" => options.minute = time()?,
                "--chunk" => options.chunk = usize::try_from(number()?).unwrap_or(usize::MAX),
                _ => return Err(format!("there is no option {name}")),
            }
        }
        Ok(Some((options, stay)))
    }

    /// Until the input ends or a signal comes.
    fn wait(stay: bool) {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let (ended, end) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            if stay {
                std::thread::park();
            }
            drop(ended);
        });
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
            tokio::select! {
                _ = end => {}
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
        });
    }
}
