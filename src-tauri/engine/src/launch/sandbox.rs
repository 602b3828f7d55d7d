//! From what was asked for to a sandbox and what is started in it.
//!
//! A sandbox is stricter than the guard of a local run, which therefore has no say here.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::inside::{self, Names};
use super::{Surroundings, directory};
use crate::backend::docker::{Recipe, Supply, WORKSPACE, Wish};
use crate::backend::{self, Launch};
use crate::config::{Config, Value};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::image::custom;
use crate::spec::{ImageTask, Input, Mount, Network, RunId, RunSpec, Work};

/// Folders and files of a home folder that hold keys: sandboxes only ever read them.
const CREDENTIALS: [&str; 12] = [
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".ssh",
];

/// Sockets that are as good as the whole machine.
const ENGINES: [&str; 3] = ["docker.sock", "podman.sock", "containerd.sock"];

/// Folders of a sandbox that are made for it, and cannot be anything else.
const OCCUPIED: [&str; 7] = [WORKSPACE, "/proc", "/sys", "/dev", "/run", "/var/run", "/run/stigmer"];

/// What a sandbox needs to know of this machine.
pub(crate) struct Machine<'a> {
    pub home: &'a Home,
    /// The user's home folder.
    pub user_home: Option<&'a Path>,
    /// The user's own ids.
    pub ids: (u32, u32),
    /// Bytes of memory, where that is known.
    pub memory: Option<u64>,
}

/// What a sandbox for this run is made of.
pub(crate) fn recipe(spec: &RunSpec, config: &Config, machine: &Machine<'_>) -> Result<Recipe> {
    let asked = &spec.target.sandbox;
    if asked.snapshot.is_some() || asked.bring_back {
        return Err(Error::InvalidSpec {
            what: "snapshots and bringing back what changed are a matter of mode `daytona`".to_owned(),
            hint: "leave out --snapshot and --bring-back, or choose --mode daytona",
        });
    }
    let workspace = spec.workspace.canonicalize().unwrap_or_else(|_| spec.workspace.clone());
    let (mounts, mut loosened) = mounts(spec, config, machine, &workspace)?;
    let network = match (&spec.network, config.text("sandbox.network")) {
        (Some(network), _) => network.clone(),
        (None, Some(name)) => name.parse().unwrap_or(Network::Bridge),
        (None, None) => Network::Bridge,
    };
    let mut ports = asked.ports.clone();
    if ports.is_empty() {
        ports = texts(config.list("sandbox.ports"), "sandbox.ports")?;
    }
    ports.sort_unstable();
    ports.dedup();
    if !ports.is_empty() && network == Network::None {
        return Err(Error::InvalidSpec {
            what: "a sandbox without network has no ports".to_owned(),
            hint: "leave out --port, or choose another --network",
        });
    }
    if network == Network::Host {
        loosened.push("it shares the network of this machine".to_owned());
    }
    let own = format!("{}:{}", machine.ids.0, machine.ids.1);
    let user = asked.user.clone().or_else(|| config.text("sandbox.user").map(str::to_owned));
    match user.as_deref() {
        Some(user) if user.split(':').next().is_some_and(|user| user == "root" || user == "0") => {
            loosened.push("its commands run as root".to_owned());
        }
        None if machine.ids.0 == 0 => {
            loosened.push("its commands run as root, because you are root".to_owned());
        }
        _ => {}
    }
    let hidden = machine.home.root().strip_prefix(&workspace).ok().filter(|inside| *inside != Path::new(""));
    Ok(Recipe {
        image: image(asked.image.as_deref().or_else(|| config.text("sandbox.image")))?,
        hidden: hidden.filter(|_| machine.home.root().is_dir()).map(Path::to_owned),
        workspace,
        network,
        cpus: asked.cpus.or_else(|| config.number("sandbox.cpus")),
        // A quarter is left for everything else.
        memory: asked
            .memory
            .or_else(|| config.size("sandbox.memory"))
            .or_else(|| machine.memory.map(|memory| memory / 4 * 3)),
        pids: asked.pids.or_else(|| config.integer("sandbox.pids")).unwrap_or(4096),
        mounts,
        ports,
        user: user.unwrap_or(own),
        dns: config.list("sandbox.dns").iter().filter_map(text).map(str::to_owned).collect(),
        read_only: config.flag("sandbox.read_only").unwrap_or_default(),
        env: config.texts("sandbox.env"),
        loosened,
        supply: Supply {
            engine: wish(config),
            auto_pull: config.flag("sandbox.auto_pull").unwrap_or(true),
            fresh: asked.fresh || asked.keep,
            keep: asked.keep,
            within: asked.within.clone(),
            ttl: config
                .flag("sandbox.cleanup")
                .unwrap_or(true)
                .then(|| config.time("sandbox.ttl").unwrap_or(Duration::from_hours(1))),
            warm: config.integer("sandbox.warm").unwrap_or(1),
        },
    })
}

/// Which engine the settings want.
pub(crate) fn wish(config: &Config) -> Wish {
    let named = |name: &str| {
        let text = config.text(name).filter(|text| !text.is_empty())?;
        Some((text.to_owned(), format!("`{name}` ({})", config.origin(name))))
    };
    Wish {
        host: named("sandbox.docker_host"),
        context: named("sandbox.docker_context"),
        tls: config.flag("sandbox.docker_tls_verify").unwrap_or_default(),
        keys: config.text("sandbox.docker_cert_path").filter(|text| !text.is_empty()).map(Into::into),
    }
}

/// Resolves what is started in the sandbox of `recipe`.
pub(crate) fn resolve(
    id: RunId,
    spec: &RunSpec,
    recipe: Recipe,
    around: &Surroundings<'_>,
) -> Result<Launch> {
    if let Work::Image { task } = &spec.work {
        return Ok(Launch {
            id,
            argv: Vec::new(),
            env: Vec::new(),
            dir: WORKSPACE.into(),
            input: Input::Closed,
            guard: None,
            script: None,
            session: None,
            recipe: Some(Box::new(backend::Recipe::Sandbox(recipe))),
            task: Some(task.clone()),
            may_be_kept: false,
        });
    }
    directory(spec)?;
    let workspace = recipe.workspace.clone();
    let file = |path: &Path| inside::path(spec, &workspace, path);
    let dir = file(spec.workdir.as_deref().unwrap_or(&spec.workspace))?;
    let names = Names { modules: dir.clone().into(), dir, file };
    inside::resolve(id, spec, backend::Recipe::Sandbox(recipe), around, names)
}

/// Refuses work on images that could never be done.
pub(super) fn check(task: &ImageTask) -> Result<()> {
    match task {
        ImageTask::Pull { image: name }
        | ImageTask::Push { image: name }
        | ImageTask::Verify { image: name, .. } => image(Some(name)).map(drop),
        ImageTask::Build(build) => build.tags.iter().try_for_each(|tag| image(Some(tag)).map(drop)),
        ImageTask::Customize(task) => custom::dockerfile(task, "").map(drop),
    }
}

fn image(name: Option<&str>) -> Result<String> {
    match name.map(str::trim) {
        Some(name) if !name.is_empty() && !name.starts_with('-') && !name.contains(char::is_whitespace) => {
            Ok(name.to_owned())
        }
        name => Err(Error::InvalidSpec {
            what: format!("`{}` is no name of an image", name.unwrap_or_default()),
            hint: "name one with --image or `sandbox.image`",
        }),
    }
}

/// What the sandbox sees besides the workspace, and what is to be said about it.
fn mounts(
    spec: &RunSpec,
    config: &Config,
    machine: &Machine<'_>,
    workspace: &Path,
) -> Result<(Vec<Mount>, Vec<String>)> {
    let asked = &spec.target.sandbox.mounts;
    let from_project = asked.is_empty() && config.origin("sandbox.mounts").word() == "project";
    let mut mounts: Vec<Mount> = if asked.is_empty() {
        texts(config.list("sandbox.mounts"), "sandbox.mounts")?
    } else {
        asked.clone()
    };
    let (mut loosened, mut targets) = (Vec::new(), Vec::<PathBuf>::new());
    for mount in &mut mounts {
        let unusable = |why: &str, hint| Error::MountUnusable { what: format!("`{mount}` {why}"), hint };
        let source = match (mount.source.strip_prefix("~"), machine.user_home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => spec.workspace.join(&mount.source),
        };
        let real = source
            .canonicalize()
            .map_err(|error| unusable(&format!("cannot be mounted: {error}"), "check that it is there"))?;
        let holds = |inner: &Path| inner.starts_with(&real);
        if holds(machine.home.root()) || machine.home.root().canonicalize().is_ok_and(|root| holds(&root)) {
            return Err(unusable("would show the data of Stigmer itself", "mount a folder below it"));
        }
        let name = real.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if ENGINES.contains(&name) || real == Path::new("/var/run") || real == Path::new("/run") {
            return Err(unusable(
                "would hand over the engine, and with it this machine",
                "use `sandbox.docker_host` with an engine that is made for it",
            ));
        }
        if from_project && !real.starts_with(workspace) {
            return Err(unusable(
                "comes from the project's settings and leads out of the workspace",
                "name it with --mount, or in your own settings",
            ));
        }
        let target = Path::new(&mount.target);
        if target.components().any(|part| part == Component::ParentDir) || target == Path::new("/") {
            return Err(unusable("has a target that cannot be", "write an absolute path without `..`"));
        }
        if OCCUPIED.iter().any(|taken| target == Path::new(taken)) || target.starts_with("/run/stigmer") {
            return Err(unusable(
                "has a target that a sandbox needs itself",
                "choose another, such as /mnt/NAME",
            ));
        }
        if targets.contains(&target.components().collect::<PathBuf>()) {
            return Err(unusable("has the target of another mount", "give each one of its own"));
        }
        targets.push(target.components().collect());
        let is_credential = machine.user_home.is_some_and(|home| {
            CREDENTIALS
                .iter()
                .any(|name| home.join(name).canonicalize().is_ok_and(|one| real.starts_with(one)))
        });
        mount.source = real;
        mount.read_only |= is_credential;
        loosened.push({
            let does = if mount.read_only { "reads" } else { "writes to" };
            format!("it {does} {} at {}", mount.source.display(), mount.target)
        });
    }
    mounts.sort();
    Ok((mounts, loosened))
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

/// Reads texts of a setting that have a form of their own.
fn texts<T: std::str::FromStr<Err = &'static str>>(values: &[Value], name: &str) -> Result<Vec<T>> {
    let read = |text: &str| {
        text.parse().map_err(|hint: &str| Error::Config {
            what: format!("`{text}` in `{name}` cannot be understood"),
            hint: hint.to_owned(),
        })
    };
    values.iter().filter_map(text).map(read).collect()
}

#[cfg(test)]
mod tests;
