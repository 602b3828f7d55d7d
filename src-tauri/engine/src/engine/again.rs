//! Running a past run again.

use super::Engine;
use crate::error::Result;
use crate::spec::{Base, Input, Mode, Origin, RunId, RunSpec};

impl Engine {
    /// What a run was asked for, to be run again: by `origin`, with these variables, in another mode if one is
    /// given. What was typed or piped into it is not kept, so it has no input but that of a terminal. The values
    /// of variables that were set for it are not kept either: without them it is refused when it starts.
    pub async fn again(&self, id: RunId, mode: Option<Mode>, origin: Origin, base: Base) -> Result<RunSpec> {
        let mut spec = self.get(id).await?.spec;
        spec.rerun_of = Some(id);
        spec.origin = origin;
        spec.env.base = base;
        spec.target.mode = mode.or(spec.target.mode);
        if spec.input == Input::Piped {
            spec.input = Input::Closed;
        }
        Ok(spec)
    }

    /// Starts a run again, see [`Engine::again`].
    pub async fn rerun(&self, id: RunId, mode: Option<Mode>, origin: Origin, base: Base) -> Result<RunId> {
        self.start(self.again(id, mode, origin, base).await?).await
    }
}
