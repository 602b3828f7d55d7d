//! Memory does not grow with output. In a process of its own, since memory is counted by process.

use stigmer_engine::log::Piece;

use crate::common::{Child, process, within};
use crate::desk::{Desk, end, run, start_attached};

const OUTPUT: u64 = 512 << 20;
const GROWTH: u64 = 64 << 20;

/// A number of bytes that `/proc/self/status` has behind a name.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[test]
fn half_a_gibibyte_of_output_takes_no_memory() {
    Child::start(&mut process("memory::child_prints_half_a_gibibyte")).succeed();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is a process of another test"]
async fn child_prints_half_a_gibibyte() {
    let desk = Desk::new();
    let engine = desk.open().await;
    run(&engine, desk.line("seq 1 100000")).await; // what is only paid once is paid
    let before = status("VmRSS");
    let (id, mut reader) =
        start_attached(&engine, desk.line(&format!("yes 0123456789abcde | head -c {OUTPUT}"))).await;
    let mut read = 0;
    while let Some(piece) = within(reader.next()).await.unwrap() {
        let Piece::Bytes { bytes, .. } = piece else { panic!("nothing is left out") };
        read += bytes.len() as u64;
    }
    assert_eq!((read, end(&engine, id).await.bytes), (OUTPUT, OUTPUT));
    let growth = status("VmHWM").saturating_sub(before);
    assert!(growth < GROWTH, "{} MiB more than before", growth >> 20);
}
