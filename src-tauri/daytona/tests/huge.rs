//! Answers without an end.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};

use stigmer_daytona::{Client, Config, Error};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_end_is_given_up_and_not_asked_for_again() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("http://{}/api", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let read = stream.read(&mut [0; 4096]).unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 20, " ".repeat(1 << 20));
        let mut chunks = 0;
        while stream.write_all(chunk.as_bytes()).is_ok() {
            chunks += 1;
        }
        listener.set_nonblocking(true).unwrap();
        (read, chunks, listener.accept().is_ok())
    });
    let client = Client::new(&Config::new("dtn_test").at(address)).unwrap();
    let error = client.sandboxes().get("one").await.unwrap_err();
    assert!(matches!(&error, Error::Unexpected { why, .. } if why.contains("64 MiB")), "{error:?}");
    drop(client);
    let (read, chunks, is_asked_again) = server.join().unwrap();
    assert!(read > 0 && chunks >= 64 && !is_asked_again, "{chunks} MiB were sent");
}
