//! What a runner keeps of a command's output for an engine whose connection may break.

/// How a runner keeps what it sent until that is acknowledged.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) struct Keeping {
    /// Bytes that it keeps; none, where nothing is to be acknowledged.
    pub spool: u32,
    /// Bytes that it has under way, where that is less.
    pub window: u32,
}

impl Keeping {
    /// Bytes after which the next acknowledgement is due, so that the runner never waits for one that is on its way.
    pub(super) fn due(self) -> Option<u64> {
        let most = if self.window == 0 { self.spool } else { self.spool.min(self.window) };
        (most > 0).then(|| u64::from(most / 4).max(1))
    }
}
