//! Encrypted connections, against the server that comes with `openssl`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stigmer_daytona::{Client, Config, Error, Retry};

/// Where the server is, for the test that runs in a process of its own.
const ADDRESS: &str = "STIGMER_TEST_TLS_ADDRESS";
const CONFIG: &str = r#"{"version":"v0.226.1","dashboardUrl":"https://localhost"}"#;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A server with a certificate that it made for itself, and its address; `None` without `openssl`.
fn server(folder: &Path) -> Option<(Server, String)> {
    let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
                   -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
                   -keyout key.pem -out cert.pem";
    let arguments: Vec<_> = request.split_whitespace().collect();
    if !openssl(folder, &arguments).status().is_ok_and(|status| status.success()) {
        std::io::stderr().write_all(b"SKIPPED: encrypted connections: openssl not found\n").unwrap();
        return None;
    }
    std::fs::create_dir(folder.join("api")).unwrap();
    let length = CONFIG.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{CONFIG}"
    );
    std::fs::write(folder.join("api/config"), answer).unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let serve = format!("s_server -accept 127.0.0.1:{port} -cert cert.pem -key key.pem -HTTP");
    let arguments: Vec<_> = serve.split_whitespace().collect();
    let child = openssl(folder, &arguments).spawn().unwrap();
    let server = Server(child);
    let begun = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some((server, format!("https://localhost:{port}/api")))
}

async fn ask(address: &str) -> Result<String, Error> {
    let config = Config { retry: Retry::NEVER, ..Config::new("dtn_test").at(address) };
    Ok(Client::new(&config)?.account().server().await?.version)
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_refused_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, address)) = server(folder.path()) else { return };
    let error = ask(&address).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable { sent: false, .. }), "{error:?}");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_the_system_trusts_is_good() {
    if let Some(address) = std::env::var_os(ADDRESS) {
        assert_eq!(ask(address.to_str().unwrap()).await.unwrap(), "v0.226.1");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some((_server, address)) = server(folder.path()) else { return };
    // The trusted certificates are read once in a process, and a variable of this one belongs to every test.
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "a_certificate_that_the_system_trusts_is_good"]);
    again.env(ADDRESS, address).env("SSL_CERT_FILE", folder.path().join("cert.pem"));
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
