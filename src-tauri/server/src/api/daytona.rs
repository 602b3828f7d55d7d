//! Daytona outside of runs: the key, what there is of this home in the cloud, and what that is made from.

mod costs;
mod key;
mod sandboxes;
mod snapshots;

use super::Shared;
use crate::routes::Routes;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    let routes = costs::routes(routes);
    let routes = key::routes(routes);
    let routes = sandboxes::routes(routes);
    snapshots::routes(routes)
}
