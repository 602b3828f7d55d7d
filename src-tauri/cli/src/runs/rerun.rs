//! `stigmer runs rerun`.

use stigmer_engine::engine::Engine;
use stigmer_engine::spec::{Base, Input, Origin};

use crate::args::Rerun;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::run::{Attachment, Carrier, attach, own_variables, terminal_size, variables};

/// Runs a past run again and watches it.
pub(super) async fn rerun(engine: Engine, options: Rerun, output: &Output) -> Result<Exit, Failure> {
    let id = engine.resolve(&options.run.run).await?;
    let piped = engine.get(id).await?.spec.input == Input::Piped;
    let base = Base::Caller(own_variables());
    let mut spec = engine.again(id, options.mode, Origin::CommandLine, base).await?;
    spec.over_limit = options.over_limit;
    spec.env.set.extend(variables(&options.env)?);
    if let Input::Terminal { cols, rows } = &mut spec.input {
        (*cols, *rows) = terminal_size();
    }
    // What was piped into the earlier run is not kept, but something may be piped into this one.
    if piped && !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        spec.input = Input::Piped;
    }
    let how = Attachment { json: options.json, stdin: spec.input != Input::Closed };
    let sources = engine.sources().clone();
    let mut carrier = Carrier::with(engine, sources);
    let exit = attach(&mut carrier, spec, how, std::future::pending(), output).await;
    carrier.close().await;
    exit
}
