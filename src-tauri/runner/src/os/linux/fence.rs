//! The guard: what a command may write and whether it may open connections, enforced by the kernel (Landlock).
//!
//! All or nothing: where the kernel cannot do a part of what was asked, there is no fence and the command is not
//! started. It may read and execute everything; connections are those of TCP.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr,
};
use stigmer_runner::Guard;

/// What the rules are written for; newer kernels know it, older ones refuse.
const FILES: ABI = ABI::V3;

/// A fence that is ready to be put around a process.
pub(crate) struct Fence(RulesetCreated);

impl Fence {
    /// Prepares what `guard` asks for.
    pub(crate) fn new(guard: &Guard) -> io::Result<Self> {
        let everything = AccessFs::from_all(FILES);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(everything)
            .map_err(io::Error::other)?;
        if !guard.network {
            rules =
                rules.handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp).map_err(io::Error::other)?;
        }
        let mut fence = rules.create().map_err(io::Error::other)?;
        fence = allow(fence, Path::new("/"), AccessFs::from_read(FILES))?;
        for path in &guard.writable {
            let path = Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(path));
            // A folder that is not there cannot be written to either.
            if path.exists() {
                fence = allow(fence, path, everything)?;
            }
        }
        Ok(Self(fence))
    }

    /// Puts the fence around this process and everything that it starts, for good.
    pub(crate) fn enter(self) -> io::Result<()> {
        self.0.restrict_self().map(drop).map_err(io::Error::other)
    }
}

fn allow(
    fence: RulesetCreated,
    path: &Path,
    access: landlock::BitFlags<AccessFs>,
) -> io::Result<RulesetCreated> {
    let file = PathFd::new(path).map_err(io::Error::other)?;
    // Of a file only what can be done with files.
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(FILES) };
    fence.add_rule(PathBeneath::new(file, access)).map_err(io::Error::other)
}
