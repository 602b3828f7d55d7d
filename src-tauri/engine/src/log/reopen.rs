//! A log whose writer died goes on where it ended.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::Stream;
use super::segment::{Record, data_path, index_path, offsets};
use super::writer::{Current, LogWriter, Progress, segment_size};
use crate::error::{Error, Result};
use crate::os;

/// What is to be known of a log that goes on.
pub(crate) struct Reopened {
    pub writer: LogWriter,
    /// Bytes of the app's own lines in it; `None` where a part was left out, with which they may have gone.
    pub own_bytes: Option<u64>,
}

impl LogWriter {
    /// Opens the log in `folder` to go on with it, with the limit that it was begun with. Nobody else may write it.
    pub(crate) fn reopen(folder: &Path, limit: u64) -> Result<Reopened> {
        reopen(folder, limit).map_err(Error::storage("reading", folder))
    }
}

fn reopen(folder: &Path, limit: u64) -> io::Result<Reopened> {
    let starts = offsets(folder)?;
    let Some((&last, closed)) = starts.split_last() else { return Err(io::ErrorKind::NotFound.into()) };
    let (mut own_bytes, mut kept, mut droppable) = (0, 0, VecDeque::new());
    for &start in closed {
        let length = std::fs::metadata(data_path(folder, start))?.len();
        own_bytes += own(&File::open(index_path(folder, start))?, start + length)?.bytes;
        kept += length;
        if start + length > limit / 2 {
            droppable.push_back((start, length));
        }
    }
    let open = |path| OpenOptions::new().read(true).write(true).open(path);
    let (data, index) = (open(data_path(folder, last))?, open(index_path(folder, last))?);
    let length = data.metadata()?.len();
    let end = last + length;
    let found = own(&index, end)?;
    let lines = match (found.last, closed.last()) {
        (Some(record), _) => record.line + ends(&data, record.offset - last, record.length)?,
        // Begun just before its writer died: the count is where the one before ends.
        (None, Some(&start)) => {
            let (data, index) =
                (File::open(data_path(folder, start))?, File::open(index_path(folder, start))?);
            let record = own(&index, last)?.last;
            record.map_or(Ok(0), |record| {
                Ok::<_, io::Error>(record.line + ends(&data, record.offset - start, record.length)?)
            })?
        }
        (None, None) => 0,
    };
    io::Seek::seek(&mut &data, io::SeekFrom::End(0))?;
    let current = Current { start: last, data, index, records: found.records, last: found.last, end };
    let is_whole = kept + length == end;
    // Begun with another limit it may be longer than those to come: then it goes on to a multiple of them.
    let size = segment_size(limit);
    let segment_size = size * length.div_ceil(size).max(1);
    let writer = LogWriter {
        folder: folder.to_owned(),
        limit,
        segment_size,
        current,
        droppable,
        kept: kept + length,
        lines,
        holds: Arc::default(),
        progress: watch::Sender::new(Progress { bytes: end, ended: false }),
    };
    Ok(Reopened { writer, own_bytes: is_whole.then_some(own_bytes + found.bytes) })
}

/// What the index of a segment that ends at `end` says.
struct Indexed {
    /// Bytes of the app's own lines.
    bytes: u64,
    /// Records that describe anything.
    records: u64,
    /// The last of them, cut at the end of the data.
    last: Option<Record>,
}

fn own(index: &File, end: u64) -> io::Result<Indexed> {
    let mut indexed = Indexed { bytes: 0, records: 0, last: None };
    while let Some(record) = Record::read(index, indexed.records)?.filter(|record| record.offset < end) {
        // A record is written before its bytes.
        let length =
            u32::try_from(u64::from(record.length).min(end - record.offset)).unwrap_or(record.length);
        let record = Record { length, ..record };
        if record.stream == Stream::System {
            indexed.bytes += u64::from(length);
        }
        indexed.records += 1;
        indexed.last = Some(record);
    }
    Ok(indexed)
}

/// Line ends in a part of a file.
fn ends(data: &File, offset: u64, length: u32) -> io::Result<u64> {
    let mut bytes = vec![0; length as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match os::read_at(data, &mut bytes[filled..], offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(memchr::memchr_iter(b'\n', &bytes[..filled]).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogReader;

    #[test]
    fn a_log_that_goes_on_is_the_same_as_one_that_was_never_left() {
        for limit in [1 << 30, 300_000] {
            let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let mut whole = LogWriter::create(one.path(), limit).unwrap();
            let mut parts = LogWriter::create(other.path(), limit).unwrap();
            let mut own_bytes = 0;
            for number in 0..400_u64 {
                let stream = [Stream::Stdout, Stream::Stderr, Stream::System][(number % 3) as usize];
                let text = format!("{number}: {}\n{}", "x".repeat((number * 37 % 2500) as usize), number % 7);
                own_bytes += if stream == Stream::System { text.len() as u64 } else { 0 };
                // At times that join some of them.
                let at = number / 4 * 5000;
                whole.append(stream, at, text.as_bytes()).unwrap();
                parts.append(stream, at, text.as_bytes()).unwrap();
                if number % 50 == 49 {
                    drop(parts);
                    let reopened = LogWriter::reopen(other.path(), limit).unwrap();
                    parts = reopened.writer;
                    assert_eq!((parts.bytes(), parts.lines), (whole.bytes(), whole.lines));
                    assert_eq!((parts.kept, parts.droppable.len()), (whole.kept, whole.droppable.len()));
                    match reopened.own_bytes {
                        Some(found) => assert_eq!(found, own_bytes),
                        None => assert!(limit < 1 << 30),
                    }
                }
            }
            for file in std::fs::read_dir(one.path()).unwrap().flatten() {
                let same = other.path().join(file.file_name());
                assert_eq!(std::fs::read(file.path()).unwrap(), std::fs::read(&same).unwrap(), "{same:?}");
            }
        }
    }

    #[test]
    fn a_log_goes_on_whole_though_its_limit_is_another_by_now() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogWriter::create(folder.path(), 1 << 30).unwrap();
        log.append(Stream::Stdout, 0, &vec![b'a'; 3_000_000]).unwrap();
        drop(log);
        let limit = 4 << 20;
        let mut log = LogWriter::reopen(folder.path(), limit).unwrap().writer;
        for at in 0..30 {
            log.append(Stream::Stdout, at, &vec![b'b'; 500_000]).unwrap();
        }
        assert_eq!(log.bytes(), 18_000_000);
        assert!(log.kept <= limit, "{} bytes are kept", log.kept);
    }

    #[test]
    fn what_was_described_and_not_written_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogWriter::create(folder.path(), 1 << 30).unwrap();
        log.append(Stream::Stdout, 0, b"one\ntwo\n").unwrap();
        log.append(Stream::System, 9_000_000, b"ours\n").unwrap();
        drop(log);
        let data = OpenOptions::new().write(true).open(data_path(folder.path(), 0)).unwrap();
        data.set_len(6).unwrap();
        let Reopened { mut writer, own_bytes } = LogWriter::reopen(folder.path(), 1 << 30).unwrap();
        assert_eq!((writer.bytes(), own_bytes), (6, Some(0)));
        writer.append(Stream::Stderr, 10_000_000, b"three\n").unwrap();
        assert_eq!(LogReader::open(folder.path()).length().unwrap(), 12);
        assert_eq!(writer.lines, 2);
    }
}
