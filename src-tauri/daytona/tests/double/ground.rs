//! A stand-in and a client of it.

use std::io::Write as _;
use std::time::Duration;

use daytona_double::{Double, Effect, Fault, Options};
use stigmer_daytona::{
    Client, Config, Limits, NewSandbox, Result, Retry, Sandbox, Sandboxes, State, Template, Toolbox,
};

/// Longer than anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Ground {
    pub(crate) double: Double,
    pub(crate) client: Client,
}

/// A configuration that does not let tests wait.
pub(crate) fn config(double: &Double) -> Config {
    let (base, cap) = (Duration::from_millis(10), Duration::from_millis(50));
    Config {
        retry: Retry { times: 3, base, cap, patience: Duration::from_secs(2) },
        ..Config::new(double.key()).at(double.url())
    }
}

pub(crate) fn ground() -> Ground {
    ground_with(Options::quick(), |_| {})
}

pub(crate) fn ground_with(options: Options, change: impl FnOnce(&mut Config)) -> Ground {
    let double = Double::start(options);
    let mut config = config(&double);
    change(&mut config);
    let client = Client::new(&config).unwrap();
    Ground { double, client }
}

/// Limits of which `call` and `held` are short.
pub(crate) fn impatient() -> Limits {
    let short = Duration::from_millis(300);
    Limits { call: short, held: short, ..Limits::default() }
}

impl Ground {
    pub(crate) fn sandboxes(&self) -> Sandboxes {
        self.client.sandboxes()
    }

    /// A sandbox that runs.
    pub(crate) async fn started(&self, name: &str) -> Sandbox {
        let new = NewSandbox::new(name, Template::Default);
        let sandbox = self.sandboxes().create(&new).await.unwrap();
        self.sandboxes().wait(&sandbox.id, &State::Started, LONG).await.unwrap()
    }

    /// The inside of a sandbox that runs; `None`, and a word about it, where this machine cannot start any.
    pub(crate) async fn toolbox(&self) -> Option<Toolbox> {
        if let Err(why) = daytona_double::possible() {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            let required = std::env::var_os("STIGMER_TEST_REQUIRE_ALL").is_some_and(|value| value == "1");
            assert!(!required, "{why}");
            std::io::stderr().write_all(format!("SKIPPED: {name}: {why}\n").as_bytes()).unwrap();
            return None;
        }
        let sandbox = self.started("inside").await;
        Some(self.client.toolbox(&sandbox).unwrap())
    }

    /// Lets something fail once.
    pub(crate) fn once(&self, method: &str, path: &str, effect: Effect) {
        self.double.fault(Fault::once(method, path, effect));
    }

    /// Lets something fail always.
    pub(crate) fn always(&self, method: &str, path: &str, effect: Effect) {
        self.double.fault(Fault::always(method, path, effect));
    }

    /// How often something was asked.
    pub(crate) fn asked(&self, method: &str, path: &str) -> usize {
        let ends = |own: &str| match path.strip_prefix('*') {
            Some(end) => own.ends_with(end),
            None => own == path,
        };
        self.double.requests().iter().filter(|own| own.method == method && ends(&own.path)).count()
    }
}

/// The word for what went wrong.
pub(crate) fn kind<T>(result: &Result<T>) -> String {
    use stigmer_daytona::Error;
    let Err(error) = result else { return "fine".to_owned() };
    let debug = format!("{error:?}");
    let word = debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
    match error {
        Error::Unreachable { sent, .. } => format!("{word} {}", if *sent { "sent" } else { "unsent" }),
        _ => word,
    }
}
