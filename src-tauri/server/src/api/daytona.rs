//! Daytona outside of runs: the key, and what there is of this home in the cloud.

mod key;
mod sandboxes;

use super::Shared;
use crate::routes::Routes;

pub(super) fn routes(routes: Routes<Shared>) -> Routes<Shared> {
    sandboxes::routes(key::routes(routes))
}
