//! A double and what a test can do with it.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Handle};

use crate::cloud::Cloud;
use crate::fault::Fault;
use crate::folder::Folder;
use crate::journal::Recorded;
use crate::options::Options;
use crate::{sandbox, serve};

/// The longest that the end waits for what cannot be dropped at once.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server that stands in for Daytona. Dropped, it ends with every sandbox and every file of it.
#[derive(Debug)]
pub struct Double {
    cloud: Arc<Cloud>,
    runtime: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Double {
    /// Starts one, in a thread of its own.
    ///
    /// # Panics
    ///
    /// When it cannot listen; see [`Double::try_start`].
    pub fn start(options: Options) -> Self {
        match Self::try_start(options) {
            Ok(double) => double,
            Err(error) => panic!("the double did not start: {error}"),
        }
    }

    /// Starts one, in a thread of its own. Fails when it cannot listen or has no place for its files.
    pub fn try_start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let origin = format!("http://{}", listener.local_addr()?);
        let folder = Folder::new()?;
        let cloud = Cloud::new(options, origin, folder);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let handle = runtime.handle().clone();
        let served = Arc::clone(&cloud);
        let thread = std::thread::Builder::new().name("daytona-double".to_owned()).spawn(move || {
            runtime.block_on(serve::serve(served, listener));
            // What still waits (hanging requests, open sockets) has nobody to wait for, and is dropped.
            runtime.shutdown_timeout(FAREWELL);
        })?;
        Ok(Self { cloud, runtime: handle, thread: Some(thread) })
    }

    /// The base URL of the control plane, ending in `/api`.
    pub fn url(&self) -> String {
        format!("{}/api", self.cloud.origin)
    }

    /// The key that is good.
    pub fn key(&self) -> &str {
        &self.cloud.options.key
    }

    /// Lets something fail.
    pub fn fault(&self, fault: Fault) {
        self.cloud.faults.add(fault);
    }

    /// The faults that still wait for their requests.
    pub fn faults(&self) -> Vec<Fault> {
        self.cloud.faults.waiting()
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.cloud.faults.clear();
    }

    /// The requests since the start or since [`Double::clear_requests`], in the order in which they came.
    pub fn requests(&self) -> Vec<Recorded> {
        self.cloud.journal.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.cloud.journal.clear();
    }

    /// Sets the clock of the double wrong, by this many seconds.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.cloud.clock.set_ahead(seconds);
    }

    /// The sandboxes that exist, as the API shows them.
    pub fn sandboxes(&self) -> Vec<Value> {
        self.cloud.world().sandboxes.iter().map(sandbox::Sandbox::json).collect()
    }

    /// Changes a sandbox (id or name) as if it happened by itself: to `error` with a reason, `stopped`, `archived` or
    /// `destroyed`. Its processes are gone when this returns.
    ///
    /// # Panics
    ///
    /// When there is no such sandbox or no such state, or when called from within an async task.
    pub fn change_sandbox(&self, name: &str, state: &str, reason: Option<&str>) {
        let changed = sandbox::change(
            Arc::clone(&self.cloud),
            name.to_owned(),
            state.to_owned(),
            reason.map(str::to_owned),
        );
        let (done, wait) = std::sync::mpsc::channel();
        self.runtime.spawn(async move {
            let _ = done.send(changed.await);
        });
        match wait.recv() {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => panic!("the sandbox `{name}` was not changed: {}", refusal.message),
            Err(std::sync::mpsc::RecvError) => panic!("the double has ended"),
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.cloud.closing.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Also where somebody else still knows the folder.
        self.cloud.remove_folder();
    }
}
