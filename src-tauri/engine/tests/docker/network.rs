//! What a sandbox reaches, and what reaches it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use stigmer_engine::live::Stop;
use stigmer_engine::spec::{Network, Sandbox};

use crate::common::{until, within};
use crate::desk::{end, happenings, start};
use crate::docker::docker;
use crate::yard::{Yard, facts, fresh, refused, succeeds};

#[tokio::test(flavor = "multi_thread")]
async fn without_network_there_is_only_the_sandbox_itself() {
    let yard = Yard::new();
    let engine = yard.open().await;
    assert_eq!(succeeds(&engine, yard.line("ls /sys/class/net")).await.1, "lo\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_leads_out_and_to_this_machine_by_its_name() {
    let yard = Yard::with("network: bridge");
    let engine = yard.open().await;
    let (record, said) = succeeds(&engine, yard.line("ls /sys/class/net; ip route; cat /etc/hosts")).await;
    assert!(said.contains("eth0\n") && said.contains("default via "), "{said}");
    assert_eq!(facts(&record).network, "bridge");
    let line = said.lines().find(|line| line.ends_with("host.docker.internal")).expect("it has a name");
    let address = line.split_whitespace().next().unwrap();
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let id = start(&engine, yard.line(&format!("echo hello | nc host.docker.internal {port}"))).await;
    let mut text = String::new();
    listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), end(&engine, id).await.state.word()), ("hello\n", "succeeded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_ones_own_is_named() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let name = format!("stigmer-test-{}", yard.marker.name());
    docker(&["network", "create", &name]);
    let mut spec = yard.within(fresh(), "ip route");
    spec.network = Some(Network::Named(name.clone()));
    let (record, said) = succeeds(&engine, spec).await;
    until("it is gone", || yard.containers().is_empty().then_some(())).await;
    docker(&["network", "rm", &name]);
    assert!(facts(&record).network == name && said.contains("default via "), "{said}");
    let mut spec = yard.line("true");
    spec.network = Some(Network::Named(name.clone()));
    let error = refused(&engine, spec).await;
    assert_eq!(error.code, "sandbox-refused");
    assert!(error.message.contains(&name) && error.hint.unwrap().contains("docker network ls"));
    assert_eq!(yard.containers(), Vec::<String>::new());
}

/// A port that is free now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_this_machines_alone_and_free_again_afterwards() {
    let yard = Yard::with("network: bridge");
    let engine = yard.open().await;
    let port = free_port();
    let ports = vec![format!("{port}:8080").parse().unwrap()];
    let sandbox = Sandbox { ports, ..fresh() };
    let id = start(&engine, yard.within(sandbox.clone(), "echo hello | nc -l -p 8080")).await;
    let mut text = String::new();
    until("somebody answers", || {
        // The engine takes the connection also while nobody listens behind it.
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.read_to_string(&mut text).ok()?;
        (!text.is_empty()).then_some(())
    })
    .await;
    assert_eq!((text.as_str(), end(&engine, id).await.state.word()), ("hello\n", "succeeded"));
    until("it is gone", || yard.containers().is_empty().then_some(())).await;
    TcpListener::bind(("127.0.0.1", port)).unwrap();
    // Nobody else reaches it.
    let id = start(&engine, yard.within(sandbox.clone(), "sleep 1000")).await;
    let name = until("it is there", || yard.containers().into_iter().next()).await;
    let shown =
        until("it is published", || Some(docker(&["port", &name])).filter(|text| !text.is_empty())).await;
    assert_eq!(shown, format!("8080/tcp -> 127.0.0.1:{port}"));
    let runs = || happenings(&engine, id).contains(&"running").then_some(());
    until("it runs", runs).await;
    // And who wants it too is told.
    let taken = refused(&engine, yard.within(sandbox, "true")).await;
    assert_eq!(taken.code, "port-in-use");
    assert!(taken.message.contains(&port.to_string()), "{}", taken.message);
    within(engine.stop(id, Stop::Force)).await.unwrap();
    end(&engine, id).await;
    until("they are gone", || yard.containers().is_empty().then_some(())).await;
    let mine = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ports = vec![format!("{port}:8080").parse().unwrap()];
    let taken = refused(&engine, yard.within(Sandbox { ports, ..Sandbox::default() }, "true")).await;
    assert_eq!(taken.code, "port-in-use");
    drop(mine);
    assert_eq!(yard.containers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interface_of_this_machine_is_shared_only_when_it_is_asked_for() {
    let yard = Yard::new();
    let engine = yard.open().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"reached\n");
        }
    });
    let line = format!("nc 127.0.0.1 {port} </dev/null 2>&1 || echo nobody");
    assert!(succeeds(&engine, yard.line(&line)).await.1.ends_with("refused\nnobody\n"));
    let mut spec = yard.line(&line);
    spec.network = Some(Network::Host);
    let (record, said) = succeeds(&engine, spec).await;
    assert_eq!(said, "reached\n");
    assert!(facts(&record).loosened.iter().any(|said| said.contains("network")), "{:?}", facts(&record));
}
