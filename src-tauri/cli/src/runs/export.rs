//! `stigmer runs export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use stigmer_engine::Error;
use stigmer_engine::engine::Engine;
use stigmer_engine::log::{LogReader, Piece, Stream};
use stigmer_engine::spec::RunId;

use crate::args::{Export, ExportFormat};
use crate::exit::{Exit, Failure};
use crate::json;

/// Writes a run to a file or to standard output.
pub(super) async fn export(engine: &Engine, options: &Export) -> Result<Exit, Failure> {
    let id = engine.resolve(&options.run.run).await?;
    let complete = json::complete_line(&engine.get(id).await?).to_string();
    match &options.output {
        Some(path) => {
            let failed = |source| Error::Storage { action: "writing", path: path.clone(), source };
            let mut file = BufWriter::new(File::create(path).map_err(failed)?);
            write(engine, id, options.format, &complete, &mut file)
                .and_then(|()| file.flush().map_err(Failure::from))?;
        }
        None => write(engine, id, options.format, &complete, &mut BufWriter::new(io::stdout().lock()))?,
    }
    Ok(Exit::Success)
}

fn write(
    engine: &Engine,
    id: RunId,
    format: ExportFormat,
    complete: &str,
    to: &mut impl Write,
) -> Result<(), Failure> {
    let mut log = engine.log(id);
    match format {
        ExportFormat::Raw => each_piece(&mut log, |bytes| to.write_all(bytes))?,
        ExportFormat::Text => {
            let mut plain = strip::Plain::default();
            each_piece(&mut log, |bytes| to.write_all(plain.push(bytes).as_bytes()))?;
            to.write_all(plain.finish().as_bytes())?;
        }
        ExportFormat::Json => {
            let (events, _) = engine.events(id, 0)?;
            for event in events {
                let event = serde_json::to_string(&event).map_err(io::Error::from)?;
                writeln!(to, "{event}")?;
            }
            while let Some(piece) = log.next_piece()? {
                json::print_piece(to, piece)?;
            }
            writeln!(to, "{complete}")?;
        }
    }
    Ok(to.flush()?)
}

fn each_piece(log: &mut LogReader, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<(), Failure> {
    while let Some(piece) = log.next_piece()? {
        match piece {
            Piece::Bytes { stream: Stream::Stdout | Stream::Stderr, bytes, .. } => each(&bytes)?,
            Piece::Bytes { stream: Stream::System, .. } => {}
            Piece::LeftOut { length, .. } => {
                // Not among the bytes, which are the program's.
                let _ = writeln!(io::stderr(), "[… {length} bytes left out by the size limit …]");
            }
        }
    }
    Ok(())
}

pub(super) mod strip;
