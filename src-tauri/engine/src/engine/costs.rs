//! What runs in the cloud cost, the limit of a month, and sandboxes that nobody uses any more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use tokio::sync::watch;

use super::Engine;
use crate::backend::daytona::Account;
use crate::cloud::{self, CloudSandbox, Costed};
use crate::config::Config;
use crate::cost::{CostReport, Limit, MonthLimit, Rates, rounded};
use crate::error::Result;
use crate::run::blocking;
use crate::secrets::KeychainState;
use crate::spec::{Mode, RunSpec};
use crate::state::Place;

/// Longest time that somebody waits for the look at what nobody uses: both questions in it have limits of their own.
const LOOKING: Duration = Duration::from_secs(15);

/// Sandboxes that nobody used any more when this engine came to stay; `None` until it has looked.
#[derive(Debug, Default)]
pub(super) struct Unused(watch::Sender<Option<Vec<Costed<CloudSandbox>>>>);

/// What must be known to say what sandboxes cost.
struct Known {
    rates: Rates,
    now: Timestamp,
    /// Time without use that makes one unused.
    after: Duration,
    /// What runs cost, by the names of their sandboxes.
    spent: BTreeMap<String, f64>,
    /// Runs that go on, and the names of their sandboxes.
    busy: BTreeSet<String>,
}

impl Known {
    fn costed(&self, sandbox: CloudSandbox) -> Costed<CloudSandbox> {
        let made_for = sandbox.made_for.as_ref();
        let is_busy =
            self.busy.contains(&sandbox.name) || made_for.is_some_and(|run| self.busy.contains(run));
        Costed {
            cost: cloud::of_sandbox(&self.rates, &sandbox, self.now),
            runs_cost: self.spent.get(&sandbox.name).copied().unwrap_or_default(),
            is_unused: !is_busy && cloud::is_unused(&sandbox, self.after, self.now),
            sandbox,
        }
    }
}

impl Engine {
    /// What the runs in the cloud cost: of the month of a day, by default of this month.
    pub async fn costs(&self, month: Option<Date>) -> Result<CostReport> {
        let config = self.settings(None)?;
        let zone = TimeZone::system();
        let now = Timestamp::now();
        let month = month.unwrap_or_else(|| now.to_zoned(zone.clone()).date()).first_of_month();
        let sums = move |history: &crate::history::History| {
            Ok((history.costs_of_month(month, &zone, now)?, history.costs_by_month(&zone, now)?))
        };
        let (sums, months) = self.query(sums).await?;
        Ok(CostReport {
            month,
            runs: sums.days.iter().map(|day| day.runs).sum(),
            cost: rounded(sums.days.iter().map(|day| day.cost).sum()),
            days: sums.days,
            sandboxes: sums.sandboxes,
            months,
            limit: MonthLimit::setting(&config),
            rates: Rates::of(&config),
        })
    }

    /// What this month's runs in the cloud cost so far, against the limit of the settings; `None` where there is none.
    pub async fn month_limit(&self) -> Result<Option<MonthLimit>> {
        self.limit_of(&self.settings(None)?).await
    }

    async fn limit_of(&self, config: &Config) -> Result<Option<MonthLimit>> {
        let Some(limit) = MonthLimit::setting(config) else { return Ok(None) };
        let now = Zoned::now();
        let begin =
            now.first_of_month().and_then(|first| first.start_of_day()).unwrap_or_else(|_| now.clone());
        let spent = self.query(move |history| history.spent(begin.timestamp(), now.timestamp())).await?;
        Ok(Some(MonthLimit { limit, spent }))
    }

    /// Refuses a run in the cloud where the month's limit is reached, unless that was allowed; what it is told else.
    pub(super) async fn heed_limit(
        &self,
        spec: &RunSpec,
        place: &Place,
        config: &Config,
    ) -> Result<Option<String>> {
        if place.mode != Mode::Daytona {
            return Ok(None);
        }
        match self.limit_of(config).await? {
            Some(limit) if limit.stands() == Limit::Over && !spec.over_limit => Err(limit.into()),
            limit => Ok(limit.and_then(|limit| limit.warning())),
        }
    }

    /// The cloud sandboxes of this home with what they cost. Daytona's control plane alone is asked, and nothing wakes.
    pub async fn cloud_sandboxes(&self, workspace: Option<&Path>) -> Result<Vec<Costed<CloudSandbox>>> {
        let (daytona, account) = self.daytona(workspace)?;
        self.costed_all(daytona.sandboxes(&account).await?).await
    }

    /// One of them with what it costs. Nobody is asked.
    pub async fn costed<T>(&self, one: T, sandbox: impl Fn(&T) -> &CloudSandbox) -> Result<Costed<T>> {
        let known = self.known_of_sandboxes().await?;
        let Costed { cost, runs_cost, is_unused, .. } = known.costed(sandbox(&one).clone());
        Ok(Costed { sandbox: one, cost, runs_cost, is_unused })
    }

    async fn costed_all(&self, all: Vec<CloudSandbox>) -> Result<Vec<Costed<CloudSandbox>>> {
        let known = self.known_of_sandboxes().await?;
        Ok(all.into_iter().map(|one| known.costed(one)).collect())
    }

    async fn known_of_sandboxes(&self) -> Result<Known> {
        let config = self.settings(None)?;
        let days = config.integer("daytona.unused_days").unwrap_or(3);
        let now = Timestamp::now();
        let unended = self.query(|history| history.unended(None)).await?;
        let names = unended.iter().filter_map(|run| Some(run.place.cloud.as_ref()?.name.clone()));
        Ok(Known {
            rates: Rates::of(&config),
            now,
            after: Duration::from_secs(days.saturating_mul(24 * 3600)),
            spent: self.query(move |history| history.costs_of_sandboxes(now)).await?,
            busy: names.chain(unended.iter().map(|run| run.id.to_string())).collect(),
        })
    }

    /// The sandboxes that nobody used any more when this engine came to stay, once it has looked.
    pub async fn unused_at_start(&self) -> Vec<Costed<CloudSandbox>> {
        let mut looked = self.0.unused.0.subscribe();
        let found = tokio::time::timeout(LOOKING, looked.wait_for(Option::is_some)).await;
        found.ok().and_then(|found| found.ok()?.clone()).unwrap_or_default()
    }

    /// Looks once for sandboxes that nobody uses any more, where there is a key that can be had without asking anybody.
    pub(super) async fn look_for_unused(self) {
        let looked = async {
            let Some(account) = self.quiet_account().await? else { return Ok(Vec::new()) };
            let found = self.0.daytona.sandboxes(&account).await?;
            self.costed_all(found).await
        };
        let looked = tokio::select! {
            () = self.0.closing.cancelled() => return,
            looked = looked => looked,
        };
        let mut found = looked.unwrap_or_else(|error: crate::Error| {
            tracing::debug!(%error, "unused cloud sandboxes were not looked for");
            Vec::new()
        });
        found.retain(|one| one.is_unused);
        self.0.unused.0.send_replace(Some(found));
    }

    /// The account, where asking for its key puts no prompt on the screen: a keychain that is locked stays so. `None` also
    /// where no run of this home was ever in the cloud, for then there is nothing to look for.
    pub(crate) async fn quiet_account(&self) -> Result<Option<Account>> {
        let engine = self.clone();
        let account = move || {
            let was_there = engine.home().root().join("cloud").is_dir();
            was_there.then(|| engine.settings(None).map(|config| Account::of(&config))).transpose()
        };
        let Some(account) = blocking(account).await? else { return Ok(None) };
        Ok((self.0.secrets.state().await != KeychainState::Locked).then_some(account))
    }
}
