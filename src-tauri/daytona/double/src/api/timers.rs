//! What happens to sandboxes that nobody uses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::lifecycle;
use crate::cloud::Cloud;
use crate::sandbox::{Sandbox, State};

/// What a timer does.
enum Due {
    Stop,
    Archive,
    Delete,
}

/// Looks after the timers for as long as the double lives.
pub(crate) async fn timers(cloud: Arc<Cloud>) {
    let every = (cloud.options.minute / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
    loop {
        tokio::time::sleep(every).await;
        let due: Vec<_> = {
            let world = cloud.world();
            let minute = cloud.options.minute;
            world
                .sandboxes
                .iter()
                .filter_map(|each| due(each, minute).map(|due| (each.id.clone(), due)))
                .collect()
        };
        for (id, due) in due {
            // What cannot be done now is due again the next time.
            let _ = match due {
                Due::Stop => lifecycle::stopped(&cloud, &id, false),
                Due::Archive => lifecycle::archived(&cloud, &id),
                Due::Delete => lifecycle::deleted(&cloud, &id),
            };
        }
    }
}

fn due(sandbox: &Sandbox, minute: Duration) -> Option<Due> {
    let passed = |since: Instant, minutes: i64| {
        u32::try_from(minutes).is_ok_and(|minutes| since.elapsed() >= minute * minutes)
    };
    if !sandbox.state.is_stable() {
        return None;
    }
    if sandbox.lifetime > 0 && passed(sandbox.born, sandbox.lifetime) {
        return Some(Due::Delete);
    }
    match sandbox.state {
        State::Started if sandbox.auto_stop_interval > 0 => {
            passed(sandbox.active, sandbox.auto_stop_interval).then_some(Due::Stop)
        }
        State::Stopped | State::Archived
            if sandbox.auto_delete_interval >= 0 && passed(sandbox.since, sandbox.auto_delete_interval) =>
        {
            Some(Due::Delete)
        }
        State::Stopped if passed(sandbox.since, sandbox.auto_archive_interval) => Some(Due::Archive),
        _ => None,
    }
}
