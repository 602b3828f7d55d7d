//! Where each of these tests works: a home, and a cloud of its own.

use daytona_double::{Double, Options};

use crate::harness::{Call, Home, call::Ended, is_there};

/// A key as long as real ones are.
pub(crate) const KEY: &str = "dtn_0123456789abcdef0123456789abcdefsky7";

/// A home whose settings name a cloud.
pub(crate) struct Sky {
    pub(crate) home: Home,
    pub(crate) double: Double,
}

impl Sky {
    pub(crate) fn new() -> Self {
        Self::with(Options::quick())
    }

    pub(crate) fn with(options: Options) -> Self {
        Self { home: Home::new(), double: Double::start(Options { key: KEY.to_owned(), ..options }) }
    }

    /// `None` where no sandboxes can be made of namespaces.
    pub(crate) fn that_runs(test: &str) -> Option<Self> {
        let possible = daytona_double::possible();
        let why = possible.as_ref().err().map_or_else(String::new, ToString::to_string);
        is_there(test, &why, possible.is_ok()).then(Self::new)
    }

    /// A call that finds the cloud, and the key in the environment.
    pub(crate) fn call<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Call {
        self.without_key(args).env("DAYTONA_API_KEY", KEY)
    }

    /// A call that finds the cloud and no key.
    pub(crate) fn without_key<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Call {
        self.home.stigmer(args).env("DAYTONA_API_URL", self.double.url())
    }

    /// A call that ends well and tells nobody the key.
    #[track_caller]
    pub(crate) fn ends<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Ended {
        secretive(self.call(args).ended().expect(0))
    }

    /// A call that is refused with an error of this code.
    #[track_caller]
    pub(crate) fn refuses<'a>(&self, args: impl IntoIterator<Item = &'a str>, code: &str) -> Ended {
        let ended = secretive(self.call(args).ended().expect(125));
        assert!(ended.err().contains(&format!("[{code}]")), "no `{code}`: {}", ended.err());
        ended
    }

    /// What was asked of the cloud since the last time, as `METHOD /path`.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.double.requests().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
        self.double.clear_requests();
        asked
    }
}

/// Fails if the key was printed.
#[track_caller]
pub(crate) fn secretive(ended: Ended) -> Ended {
    assert!(!ended.out().contains(KEY) && !ended.err().contains(KEY), "{} {}", ended.out(), ended.err());
    ended
}
