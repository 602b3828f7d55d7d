//! Other ways to the real engine than its socket: as if it were on another machine, or in a virtual one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

const ENGINE: &str = "/var/run/docker.sock";

/// A way to the engine, as long as it is kept.
pub(crate) struct Line {
    address: String,
    folder: tempfile::TempDir,
    serving: JoinHandle<()>,
}

impl Line {
    /// Over the network.
    pub(crate) async fn tcp() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            loop {
                let (mut caller, _) = listener.accept().await.unwrap();
                tokio::spawn(async move { forward(&mut caller).await });
            }
        });
        Self { address, folder: tempfile::tempdir().unwrap(), serving }
    }

    /// Over the network, encrypted, for those who have the keys in [`Line::keys`].
    pub(crate) async fn tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(keys(folder.path())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            loop {
                let (caller, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(mut caller) = acceptor.accept(caller).await {
                        forward(&mut caller).await;
                    }
                });
            }
        });
        Self { address: format!("tcp://localhost:{}", address.port()), folder, serving }
    }

    /// To an engine that has this machine's files and another kernel: sockets in them connect to nobody.
    pub(crate) fn machine() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let serving = tokio::spawn(async move {
            loop {
                let (caller, _) = listener.accept().await.unwrap();
                tokio::spawn(forward_elsewhere(caller));
            }
        });
        Self { address: format!("unix://{}", path.display()), folder, serving }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The setting that leads this way.
    pub(crate) fn setting(&self) -> String {
        format!("docker_host: '{}'", self.address)
    }

    /// The folder of what it takes to be let in.
    pub(crate) fn keys(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn forward(caller: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let mut engine = UnixStream::connect(ENGINE).await.unwrap();
    // Either side may break off.
    let _ = copy_bidirectional(caller, &mut engine).await;
}

/// Forwards, and has containers share another folder with this machine than the one that is asked for.
async fn forward_elsewhere(caller: UnixStream) {
    let engine = UnixStream::connect(ENGINE).await.unwrap();
    let ((mut from, mut to), (mut answers, mut requests)) = (caller.into_split(), engine.into_split());
    let there = async {
        let mut piece = vec![0; 1 << 20];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            elsewhere(&mut piece[..length]);
            if requests.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        let _ = requests.shutdown().await;
    };
    let back = async {
        let _ = tokio::io::copy(&mut answers, &mut to).await;
        let _ = to.shutdown().await;
    };
    tokio::join!(there, back);
}

/// Names another folder of the same length in the source of the shared folder, and makes it.
fn elsewhere(request: &mut [u8]) {
    let (shared, hidden) = (b"/shared\"", b"/hidden\"");
    let mut at = 0;
    while let Some(found) = request[at..].windows(shared.len()).position(|bytes| bytes == shared) {
        let found = at + found;
        let start = request[..found].iter().rposition(|&byte| byte == b'"').map_or(0, |quote| quote + 1);
        let folder = String::from_utf8_lossy(&request[start..found]).into_owned();
        if folder.contains("/sandboxes/") {
            request[found..found + hidden.len()].copy_from_slice(hidden);
            let folder = PathBuf::from(folder).join("hidden");
            std::fs::create_dir_all(&folder).unwrap();
            std::os::unix::fs::chown(&folder, None, None).unwrap();
        }
        at = found + shared.len();
    }
}

/// Makes certificates for both sides, as Docker's own documentation has them made, and the server's half of it.
fn keys(folder: &Path) -> ServerConfig {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let signed = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        (certificate, key)
    };
    let ((server, server_key), (client, client_key)) = (signed("localhost"), signed("client"));
    for (name, text) in [
        ("ca.pem", authority_certificate.pem()),
        ("cert.pem", client.pem()),
        ("key.pem", client_key.serialize_pem()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority_certificate.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(vec![server.der().clone()], server_key.serialize_der().try_into().unwrap())
        .unwrap()
}
