//! `stigmer runs rerun`.

use stigmer_engine::engine::Engine;
use stigmer_engine::spec::{Base, Input, Origin};

use crate::args::Rerun;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::run::{Attachment, attach, own_variables, terminal_size, variables};

/// Runs a past run again and watches it.
pub(super) async fn rerun(engine: &Engine, options: Rerun, output: &Output) -> Result<Exit, Failure> {
    let id = engine.resolve(&options.run.run).await?;
    let mut spec = engine.get(id).await?.spec;
    spec.rerun_of = Some(id);
    spec.origin = Origin::CommandLine;
    spec.env.base = Base::Caller(own_variables());
    spec.env.set.extend(variables(&options.env)?);
    spec.target.mode = options.mode.or(spec.target.mode);
    if let Input::Terminal { cols, rows } = &mut spec.input {
        (*cols, *rows) = terminal_size();
    }
    // What was typed or piped into the earlier run is not kept.
    let stdin = !std::io::IsTerminal::is_terminal(&std::io::stdin());
    let wants_stdin = matches!(spec.input, Input::Piped) && stdin;
    if matches!(spec.input, Input::Piped) && !stdin {
        spec.input = Input::Closed;
    }
    let how =
        Attachment { json: options.json, stdin: wants_stdin || matches!(spec.input, Input::Terminal { .. }) };
    attach(engine, spec, how, output).await
}
