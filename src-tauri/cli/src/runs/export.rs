//! `stigmer runs export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use stigmer_engine::Error;
use stigmer_engine::engine::Engine;
use stigmer_engine::export::Format;

use crate::args::{Export, ExportFormat};
use crate::exit::{Exit, Failure};

/// Writes a run to a file or to standard output.
pub(super) async fn export(engine: &Engine, options: &Export) -> Result<Exit, Failure> {
    let id = engine.resolve(&options.run.run).await?;
    let format = match options.format {
        ExportFormat::Raw => Format::Raw,
        ExportFormat::Text => Format::Text,
        ExportFormat::Json => Format::Json,
    };
    let left_out = match &options.output {
        Some(path) => {
            let failed = |source| Error::Storage { action: "writing", path: path.clone(), source };
            engine.export(id, format, BufWriter::new(File::create(path).map_err(failed)?)).await?
        }
        None => engine.export(id, format, BufWriter::new(io::stdout())).await?,
    };
    if left_out > 0 && format != Format::Json {
        // Not among the bytes, which are the program's.
        let _ = writeln!(io::stderr(), "[… {left_out} bytes left out by the size limit …]");
    }
    Ok(Exit::Success)
}
