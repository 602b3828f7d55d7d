//! What is started in a sandbox, be it a container or one in the cloud. Paths of the workspace become paths below
//! [`WORKSPACE`]. Nothing of the user's own environment comes along.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde_bytes::ByteBuf;
use stigmer_runner::Script;

use super::{Surroundings, language, not_here};
use crate::backend::docker::WORKSPACE;
use crate::backend::{Launch, Recipe};
use crate::error::{Error, Result};
use crate::spec::{Code, Input, RunId, RunSpec, Text, Work};

/// How a sandbox names what is in it.
pub(super) struct Names<F> {
    /// The working directory.
    pub dir: PathBuf,
    /// The same for a script that lies elsewhere: modules of the workspace are meant all the same.
    pub modules: Text,
    /// A file of the workspace.
    pub file: F,
}

/// Resolves what is started in the sandbox of `recipe`.
pub(super) fn resolve(
    id: RunId,
    spec: &RunSpec,
    recipe: Recipe,
    around: &Surroundings<'_>,
    names: Names<impl Fn(&Path) -> Result<PathBuf>>,
) -> Result<Launch> {
    let mut script = None;
    let argv = match &spec.work {
        Work::Line { line, shell } => {
            let shell = shell.clone().map_or_else(|| Text::from("sh"), Text::from);
            vec![shell, "-c".into(), line.clone()]
        }
        Work::Program { argv } => argv.clone(),
        Work::Image { .. } => return Err(not_here()),
        Work::Script { language, code, args } => {
            let path = match code {
                Code::File { path } => (names.file)(path)?.into(),
                Code::Inline { text } => {
                    let path = format!("/tmp/stigmer-{id}/script.{}", language::extension(*language, text));
                    let code = ByteBuf::from(text.as_bytes());
                    script = Some(Script { path: ByteBuf::from(path.as_bytes()), code });
                    Text::from(path)
                }
            };
            let words = language::in_images(*language).iter().map(Text::from);
            words.chain([path]).chain(args.iter().cloned()).collect()
        }
    };
    let mut env: BTreeMap<Text, Text> = BTreeMap::new();
    if matches!(spec.input, Input::Terminal { .. }) {
        env.insert("TERM".into(), "xterm-256color".into());
    }
    if script.is_some() {
        env.insert("PYTHONPATH".into(), names.modules);
    }
    env.extend(around.secrets.iter().map(|(name, value)| (name.into(), value.expose().into())));
    env.extend(spec.env.set.iter().filter_map(|(name, value)| Some((name.into(), value.clone()?))));
    Ok(Launch {
        id,
        argv,
        env: env.into_iter().collect(),
        dir: names.dir,
        input: spec.input,
        guard: None,
        script,
        session: around.session(spec),
        recipe: Some(Box::new(recipe)),
        task: None,
        may_be_kept: around.secrets.is_empty(),
    })
}

/// Where a path of the workspace is in the sandbox.
pub(super) fn path(spec: &RunSpec, workspace: &Path, path: &Path) -> Result<PathBuf> {
    let path = spec.workspace.join(path);
    let outside = || Error::OutsideWorkspace { path: path.clone() };
    let relative = match path.strip_prefix(&spec.workspace) {
        Ok(relative) => relative.to_owned(),
        Err(_) => {
            path.canonicalize().unwrap_or_default().strip_prefix(workspace).map_err(|_| outside())?.to_owned()
        }
    };
    if relative.components().any(|part| part == Component::ParentDir) {
        return Err(outside());
    }
    Ok(if relative == Path::new("") { WORKSPACE.into() } else { Path::new(WORKSPACE).join(relative) })
}
