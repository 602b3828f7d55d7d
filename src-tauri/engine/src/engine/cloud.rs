//! What is known of a run's cloud sandbox before Daytona is asked.

use crate::backend::daytona::Recipe;
use crate::state::CloudFacts;

/// What the settings and the options say; sizes are those of the snapshot, which nobody has looked at.
pub(super) fn expected(recipe: &Recipe) -> CloudFacts {
    CloudFacts {
        snapshot: recipe.snapshot.clone(),
        region: recipe.target.clone().unwrap_or_default(),
        name: recipe.within.clone().unwrap_or_default(),
        auto_stop: u32::try_from(recipe.auto_stop.as_secs().div_ceil(60)).ok(),
        reused: recipe.within.is_some(),
        ..CloudFacts::default()
    }
}
