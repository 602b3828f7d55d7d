//! `stigmer sandbox cost`: what runs in the cloud cost.

use serde_json::json;
use stigmer_engine::cost::{CostOf, CostReport, about, shown};
use stigmer_engine::engine::Engine;

use crate::args::Cost;
use crate::exit::Failure;
use crate::output::{Output, Tone, answer};
use crate::table::Table;

/// Prints the sums of a month. Daytona is not asked.
pub(super) async fn cost(engine: &Engine, options: &Cost, output: &Output) -> Result<(), Failure> {
    let report = engine.costs(options.month).await?;
    if options.json {
        return answer(&json!(report).to_string());
    }
    let mut parts = vec![headline(&report)];
    if !report.sandboxes.is_empty() {
        parts.push(table("SANDBOX", &report.sandboxes, String::clone, output));
        parts.push(table("DAY", &report.days, ToString::to_string, output));
    }
    if report.months.len() > 1 {
        parts.push(table("MONTH", &report.months, |first| first.strftime("%Y-%m").to_string(), output));
    }
    answer(&parts.join("\n\n"))
}

/// The month in one line.
fn headline(report: &CostReport) -> String {
    let month = report.month.strftime("%Y-%m");
    let runs = crate::runs::counted(usize::try_from(report.runs).unwrap_or(usize::MAX), "run");
    let limit = report.limit.map(|limit| format!(", of a limit of {}", shown(limit))).unwrap_or_default();
    format!("{month}: {} for {runs} in the cloud{limit} (estimate)", about(report.cost))
}

fn table<T>(head: &str, all: &[CostOf<T>], name: impl Fn(&T) -> String, output: &Output) -> String {
    let mut table = Table::new([head, "RUNS", "COST"]);
    for one in all {
        let (runs, cost) = (one.runs.to_string(), about(one.cost));
        table.row([(Tone::Strong, name(&one.of)), (Tone::Plain, runs), (Tone::Plain, cost)]);
    }
    table.text(output)
}
