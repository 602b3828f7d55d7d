//! What the cloud costs, estimated. Nobody is asked: it follows from the history and the settings.
#![expect(unused_qualifications, reason = "utoipa writes the types of parameters in full")]

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use jiff::civil::Date;
use serde::Deserialize;
use stigmer_engine::cloud::{CloudSandbox, Costed};
use stigmer_engine::cost::{CostReport, Shape};
use stigmer_engine::engine::{Engine, Estimate};
use utoipa::IntoParams;

use crate::api::Shared;
use crate::form::Report;
use crate::form::cloud::{CloudSandboxRow, CostReportForm, EstimateForm};
use crate::problem::Refusal;
use crate::routes::Routes;
use crate::take::InQuery;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    routes.with(__path_costs, costs).with(__path_estimate, estimate).with(__path_unused, unused)
}

/// Which month.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Month {
    /// A day of the month; by default today.
    #[param(value_type = Option<String>, format = Date)]
    month: Option<Date>,
}

/// What the runs in the cloud cost: of a month by days and sandboxes, and of all months.
#[utoipa::path(get, path = "/api/v1/daytona/costs", tag = "daytona", params(Month),
    responses((status = 200, body = CostReportForm), Refusal))]
async fn costs(
    State(engine): State<Engine>,
    InQuery(Month { month }): InQuery<Month>,
) -> Result<Json<CostReport>, Refusal> {
    Ok(Json(engine.costs(month).await?))
}

/// What would run.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The folder that it would work on.
    #[param(value_type = String)]
    workspace: PathBuf,
    /// The snapshot; by default that of the settings, else Daytona's own.
    #[serde(default)]
    snapshot: Option<String>,
    /// What a sandbox from it has, where that is known: virtual CPUs. Else what earlier runs got.
    #[serde(default)]
    #[param(maximum = 4_294_967_295_u64)]
    cpu: Option<u32>,
    /// Memory in GiB.
    #[serde(default)]
    #[param(maximum = 4_294_967_295_u64)]
    memory: Option<u32>,
    /// Disk in GiB.
    #[serde(default)]
    #[param(maximum = 4_294_967_295_u64)]
    disk: Option<u32>,
}

/// What an hour in the cloud would cost.
#[utoipa::path(get, path = "/api/v1/daytona/estimate", tag = "daytona", params(Asked),
    responses((status = 200, body = EstimateForm), Refusal))]
async fn estimate(
    State(engine): State<Engine>,
    InQuery(Asked { workspace, snapshot, cpu, memory, disk }): InQuery<Asked>,
) -> Result<Json<Estimate>, Refusal> {
    let shape = cpu.zip(memory).zip(disk).map(|((cpu, memory), disk)| Shape { cpu, memory, disk });
    Ok(Json(engine.estimate(workspace, snapshot, shape).await?))
}

/// The cloud sandboxes that nobody used any more when the app or the server started, where there was a key that could be
/// had without a question.
#[utoipa::path(get, path = "/api/v1/daytona/unused", tag = "daytona",
    responses((status = 200, body = Vec<CloudSandboxRow>), (status = "4XX", body = Report)))]
async fn unused(State(engine): State<Engine>) -> Json<Vec<Costed<CloudSandbox>>> {
    Json(engine.unused_at_start().await)
}
