//! The tiers that come with Stigmer: what `sandbox/` holds, inside the program.

use crate::error::{Error, Result};

/// The tools of each tier.
pub(crate) const MANIFEST: &str = include_str!("../../../../sandbox/tools.json");

/// The label by which an image says which tier it is.
pub const TIER_LABEL: &str = "stigmer.tier";

/// A file of the folder, with its path.
macro_rules! files {
    ($($path:literal)*) => {
        [$(($path, include_bytes!(concat!("../../../../sandbox/", $path)).as_slice())),*]
    };
}

/// Everything that tiers are built from.
static FILES: [(&str, &[u8]); 25] = files! {
    ".dockerignore"
    "Dockerfile.sandbox.basic"
    "Dockerfile.sandbox.full"
    "ca/.gitignore"
    "ca/README"
    "install/aws-cli.asc"
    "install/aws.sh"
    "install/az.in"
    "install/az.sh"
    "install/az.txt"
    "install/docker.sh"
    "install/gcloud.sh"
    "install/gh.sh"
    "install/helm.sh"
    "install/install.sh"
    "install/k9s.sh"
    "install/kubectl.sh"
    "install/lib.sh"
    "install/pulumi.sh"
    "install/terraform.sh"
    "install/tkn.sh"
    "install/yq.sh"
    "requirements.in"
    "requirements.txt"
    "tools.json"
};

/// A tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// Its name.
    pub name: &'static str,
    /// What it holds, in one line.
    pub about: &'static str,
    /// Its Dockerfile.
    pub dockerfile: &'static str,
    /// The name that it is built under.
    pub tag: &'static str,
    /// Bytes to download, about.
    pub download: u64,
    /// Bytes on the disk, about.
    pub size: u64,
}

/// Every tier, the smaller one first. Sizes as measured on amd64.
pub const TIERS: [Tier; 2] = [
    Tier {
        name: "basic",
        about: "Python 3.11, Node.js 20, git and build tools",
        dockerfile: "Dockerfile.sandbox.basic",
        tag: "stigmer-sandbox-basic:local",
        download: 250_000_000,
        size: 650_000_000,
    },
    Tier {
        name: "full",
        about: "basic, and the command lines of clouds and clusters",
        dockerfile: "Dockerfile.sandbox.full",
        tag: "stigmer-sandbox-full:local",
        download: 1_300_000_000,
        size: 4_000_000_000,
    },
];

/// The tier of this name.
pub fn find(name: &str) -> Result<Tier> {
    TIERS.into_iter().find(|tier| tier.name == name).ok_or_else(|| Error::InvalidSpec {
        what: format!("there is no tier `{name}`"),
        hint: "the tiers are basic and full; a folder is built with `stigmer image build --folder DIR`",
    })
}

/// Every file that tiers are built from: its path and its content.
pub(crate) fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
    FILES.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec()))
}

/// The Dockerfile of a tier.
pub fn dockerfile(tier: Tier) -> String {
    let file = FILES.iter().find(|(path, _)| *path == tier.dockerfile);
    file.map(|(_, content)| String::from_utf8_lossy(content).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn below(folder: &Path, inside: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let name = format!("{inside}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                below(&entry.path(), &format!("{name}/"), found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn what_tiers_are_built_from_is_what_the_folder_has() {
        let mut there = BTreeSet::new();
        below(Path::new("../../sandbox"), "", &mut there);
        // For people, and certificates of whoever builds here.
        let is_meant = |name: &String| {
            let is_certificate = Path::new(name).extension().is_some_and(|ending| ending == "crt");
            !["README.md", "docker-compose.sandbox.yml"].contains(&name.as_str()) && !is_certificate
        };
        let there: BTreeSet<_> = there.into_iter().filter(is_meant).collect();
        let inside: BTreeSet<_> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(inside, there);
    }
}
