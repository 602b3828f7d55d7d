//! This machine keeps the contract of backends. A backend that is added gets a file like this one.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

#[expect(dead_code, reason = "every test program uses its own part of this")]
mod common;
mod contract;

use std::path::Path;

use common::Marker;
use contract::Place;
use stigmer_engine::backend::local::Local;
use stigmer_engine::backend::{Backend, RUN_ID};
use stigmer_engine::home::Home;
use stigmer_engine::spec::Text;
use tempfile::TempDir;

struct ThisMachine {
    backend: Local,
    folder: TempDir,
}

impl ThisMachine {
    fn new() -> Self {
        common::require_runner();
        let folder = tempfile::tempdir().unwrap();
        Self { backend: Local::new(&Home::at(folder.path())), folder }
    }
}

impl Place for ThisMachine {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn variables(&self) -> Vec<(Text, Text)> {
        vec![("PATH".into(), common::PATH.into())]
    }

    fn own_variables(&self) -> &[&str] {
        &[RUN_ID]
    }

    fn alive(&self, marker: &Marker) -> usize {
        marker.alive().len()
    }
}

contract::keeps_the_contract!(ThisMachine::new());
