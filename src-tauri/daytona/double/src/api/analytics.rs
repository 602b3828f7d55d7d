//! What sandboxes used, and what that cost.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use crate::cloud::Cloud;
use crate::reply::Answer;
use crate::sandbox::{Sandbox, State as SandboxState};

/// Prices for each second: a processor, a GiB of memory, a GiB of disk.
const PRICES: (f64, f64, f64) = (0.000_014, 0.000_004_5, 0.000_000_03);

/// What one sandbox has used until now, or until it was destroyed.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    id: String,
    start: String,
    end: String,
    seconds: u64,
    /// Processors, and GiB of memory and disk.
    size: (i64, i64, i64),
}

impl Used {
    /// A sandbox costs from its birth on until it stops, by what is reserved for it.
    pub(crate) fn by(sandbox: &Sandbox, now: String) -> Self {
        let lived = match sandbox.state {
            SandboxState::Stopped | SandboxState::Archived => {
                sandbox.since.saturating_duration_since(sandbox.born)
            }
            _ => sandbox.born.elapsed(),
        };
        let size = (sandbox.cpu, sandbox.memory, sandbox.disk);
        Self {
            id: sandbox.id.clone(),
            start: sandbox.created_at.clone(),
            end: now,
            seconds: lived.as_secs().max(1),
            size,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
    fn price(&self) -> f64 {
        let (cpu, memory, disk) = self.size;
        self.seconds as f64 * (cpu as f64 * PRICES.0 + memory as f64 * PRICES.1 + disk as f64 * PRICES.2)
    }

    fn seconds(&self, of: i64) -> u64 {
        self.seconds * of.unsigned_abs()
    }

    fn json(&self) -> Value {
        let (cpu, memory, disk) = self.size;
        json!({
            "sandboxId": self.id,
            "firstStart": self.start,
            "lastEnd": self.end,
            "totalCPUSeconds": self.seconds(cpu),
            "totalRAMGBSeconds": self.seconds(memory),
            "totalDiskGBSeconds": self.seconds(disk),
            "totalGPUSeconds": 0,
            "totalPrice": self.price(),
        })
    }
}

/// ISO times.
#[derive(Deserialize)]
pub(super) struct Window {
    from: Option<String>,
    to: Option<String>,
}

/// Everything that was used within a time.
fn within(cloud: &Cloud, window: &Window) -> Vec<Used> {
    let now = cloud.clock.text();
    let world = cloud.world();
    let living = world.sandboxes.iter().map(|each| Used::by(each, now.clone()));
    let touches = |used: &Used| {
        window.to.as_ref().is_none_or(|to| used.start <= *to)
            && window.from.as_ref().is_none_or(|from| used.end >= *from)
    };
    world.past.iter().cloned().chain(living).filter(touches).collect()
}

pub(super) async fn aggregated(State(cloud): Shared, Query(window): Query<Window>) -> Answer {
    let all = within(&cloud, &window);
    let sum = |of: fn(&Used) -> i64| all.iter().map(|used| used.seconds(of(used))).sum::<u64>();
    Ok(Json(json!({
        "firstStart": all.iter().map(|used| &used.start).min(),
        "lastEnd": all.iter().map(|used| &used.end).max(),
        "sandboxCount": all.len(),
        "totalCPUSeconds": sum(|used| used.size.0),
        "totalRAMGBSeconds": sum(|used| used.size.1),
        "totalDiskGBSeconds": sum(|used| used.size.2),
        "totalGPUSeconds": 0,
        "totalPrice": all.iter().map(Used::price).sum::<f64>(),
    })))
}

pub(super) async fn by_sandbox(State(cloud): Shared, Query(window): Query<Window>) -> Answer {
    Ok(Json(within(&cloud, &window).iter().map(Used::json).collect()))
}

/// One point: now.
pub(super) async fn chart(State(cloud): Shared) -> Answer {
    let all = within(&cloud, &Window { from: None, to: None });
    let sum = |of: fn(&Used) -> i64| all.iter().map(of).sum::<i64>();
    Ok(Json(json!([{
        "time": cloud.clock.text(),
        "cpu": sum(|used| used.size.0),
        "cpuPrice": 0.0,
        "ramGB": sum(|used| used.size.1),
        "ramPrice": 0.0,
        "diskGB": sum(|used| used.size.2),
        "diskPrice": 0.0,
    }])))
}

pub(super) async fn periods(State(cloud): Shared, Path((_, id)): Path<(String, String)>) -> Answer {
    let all = within(&cloud, &Window { from: None, to: None });
    let periods = all.iter().filter(|used| used.id == id).map(|used| {
        json!({
            "startAt": used.start, "endAt": used.end, "cpu": used.size.0, "ramGB": used.size.1,
            "diskGB": used.size.2, "gpu": 0, "price": used.price(),
        })
    });
    Ok(Json(periods.collect()))
}
