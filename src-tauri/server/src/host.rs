//! The API over HTTP: one server for each home, found through `server.json`, opened with `server.token`.
//!
//! Whoever holds the lock of `server.lock` is the server; the kernel frees it however that ends. What `server.json`
//! says counts as long as the engine that it names is alive, so nobody sends the token to whatever took the port of
//! a server that is gone.

mod record;
mod serve;
mod surroundings;
mod token;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use axum::Router;
use stigmer_engine::engine::Engine;
use stigmer_engine::home::Home;
use stigmer_engine::{Error, Report};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use record::{Kind, Record};
pub(crate) use surroundings::surroundings;
pub use token::Token;

use crate::api::Reach;
use crate::guard::guarded;
use crate::problem::Problem;
use crate::ui::with_pages;

/// The port, unless another is chosen.
pub const PORT: u16 = 7517;

/// Ports that are tried when the usual one is taken by another program.
const TRIED: u16 = 20;

/// Where to listen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listen {
    /// The address; by default that of this machine alone.
    pub address: Option<IpAddr>,
    /// The port; by default [`PORT`], or the next that is free.
    pub port: Option<u16>,
}

/// The right to be the server of a home. Dropped, it is free again.
#[derive(Debug)]
pub struct Claim {
    home: Home,
    _lock: File,
}

impl Claim {
    /// Takes the right; `None` if another process has it.
    pub fn take(home: &Home) -> Result<Option<Self>, Error> {
        home.create()?;
        let path = lock(home);
        let failed = Error::storage("locking", &path);
        let mut options = OpenOptions::new();
        let file = match options.create(true).truncate(false).write(true).mode(0o600).open(&path) {
            Ok(file) => file,
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { home: home.clone(), _lock: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Listens, and writes down where.
    pub async fn open(self, engine: &Engine, kind: Kind, listen: Listen) -> Result<Server, Report> {
        let token = Token::of(&self.home)?;
        let (listener, address) = bind(listen).await?;
        let record = Record::new(address, engine.id(), kind);
        record.write(&self.home)?;
        Ok(Server { claim: self, listener, record, address, token })
    }
}

/// Waits until the server of a home is gone. Blocks for as long as there is one.
pub fn wait_until_gone(home: &Home) -> io::Result<()> {
    match File::open(lock(home)) {
        Ok(file) => file.lock_shared(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn lock(home: &Home) -> PathBuf {
    home.root().join("server.lock")
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    claim: Claim,
    listener: TcpListener,
    record: Record,
    address: SocketAddr,
    token: Token,
}

impl Server {
    /// What others find of it.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the API and the pages until `stop`, then lets requests that are being answered come to their end.
    pub async fn serve(self, api: Router, reach: &Reach, stop: CancellationToken) {
        reach.tell(self.address);
        let router = guarded(with_pages(api), self.address, self.token);
        serve::serve(self.listener, router, stop).await;
        reach.attached().close();
        let _ = tokio::time::timeout(serve::FAREWELL, reach.attached().wait()).await;
        Record::remove(&self.claim.home);
    }
}

async fn bind(listen: Listen) -> Result<(TcpListener, SocketAddr), Report> {
    let address = listen.address.unwrap_or(Ipv4Addr::LOCALHOST.into());
    let ports = match listen.port {
        Some(port) => port..=port,
        None => PORT..=PORT + TRIED,
    };
    let mut failure = None;
    for port in ports {
        let wanted = SocketAddr::new(address, port);
        let bound = TcpListener::bind(wanted).await;
        match bound.and_then(|listener| listener.local_addr().map(|address| (listener, address))) {
            Ok(bound) => return Ok(bound),
            Err(error) => {
                let taken = error.kind() == io::ErrorKind::AddrInUse;
                failure = failure.or(Some((wanted, error)));
                if !taken {
                    break;
                }
            }
        }
    }
    let (address, why) = match failure {
        Some((address, error)) => (address.to_string(), error.to_string()),
        None => (address.to_string(), "no port was tried".to_owned()),
    };
    let mut report = Report::from(&Problem::Address { address });
    report.causes.push(why);
    Err(report)
}
