//! A wire to the real engine that can be broken: a socket of its own, which forwards, refuses, hangs or answers 503.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

/// What the wire does with those who call. A change cuts every connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Works,
    Hangs,
    /// Nobody listens.
    Refuses,
    /// The engine says that it is not ready, so many times, and then works.
    Starts(u64),
    /// So many callers are dropped without a word, and then it works.
    Drops(u64),
}

pub(crate) struct Broken {
    _folder: tempfile::TempDir,
    path: PathBuf,
    wire: watch::Sender<Wire>,
    /// The state that callers meet.
    met: watch::Receiver<Option<Wire>>,
}

impl Broken {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("docker.sock");
        let (wire, state) = watch::channel(Wire::Works);
        let (meets, met) = watch::channel(None);
        tokio::spawn(serve(path.clone(), state, meets));
        let broken = Self { _folder: folder, path, wire, met };
        broken.until_met(Wire::Works);
        broken
    }

    /// The setting that leads over this wire.
    pub(crate) fn setting(&self) -> String {
        format!("docker_host: 'unix://{}'", self.path.display())
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
        self.until_met(wire);
    }

    /// Whoever asks from here on meets this state.
    fn until_met(&self, wire: Wire) {
        while *self.met.borrow() != Some(wire) {
            std::thread::yield_now();
        }
    }
}

async fn serve(path: PathBuf, mut state: watch::Receiver<Wire>, meets: watch::Sender<Option<Wire>>) {
    // Listens until the next one stands in its place: nobody is refused in between.
    let mut before = None;
    loop {
        let wire = *state.borrow_and_update();
        if wire == Wire::Refuses {
            drop(before.take());
            meets.send_replace(Some(wire));
            // The file stays, and nobody listens.
            match state.changed().await {
                Ok(()) => continue,
                Err(_) => return,
            }
        }
        // Put in the place of the old one at once: a socket that is missing for a moment is another failure.
        let next = path.with_extension("next");
        let listener = UnixListener::bind(&next).unwrap();
        std::fs::set_permissions(&next, Permissions::from_mode(0o666)).unwrap();
        std::fs::rename(&next, &path).unwrap();
        drop(before.take());
        meets.send_replace(Some(wire));
        let refusals = Arc::new(AtomicU64::new(match wire {
            Wire::Starts(times) | Wire::Drops(times) => times,
            _ => 0,
        }));
        loop {
            tokio::select! {
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    break;
                }
                Ok((caller, _)) = listener.accept() => {
                    let (mut state, refusals) = (state.clone(), Arc::clone(&refusals));
                    tokio::spawn(async move {
                        tokio::select! {
                            _ = state.changed() => {}
                            () = connect(caller, wire, &refusals) => {}
                        }
                    });
                }
            }
        }
        before = Some(listener);
    }
}

async fn connect(mut caller: UnixStream, wire: Wire, refusals: &AtomicU64) {
    if wire == Wire::Hangs {
        return std::future::pending().await;
    }
    let less = |left: u64| left.checked_sub(1);
    if refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
        if matches!(wire, Wire::Drops(_)) {
            return;
        }
        let mut request = [0; 1024];
        let _ = caller.read(&mut request).await;
        let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = caller.write_all(answer.as_bytes()).await;
        return;
    }
    let mut engine = UnixStream::connect("/var/run/docker.sock").await.unwrap();
    let _ = copy_bidirectional(&mut caller, &mut engine).await;
}
