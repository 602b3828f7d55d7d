//! What was used and what it cost, as Daytona counts it.
//!
//! Usage is billed by what a sandbox reserves, not by what it needs. Numbers appear with some delay.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::{Error, Result};
use crate::http::Base;
use crate::model::lenient;

/// Usage of an organization, or of one sandbox, within a span of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// The sandbox, where it is one's.
    pub sandbox_id: Option<String>,
    /// How many sandboxes there were.
    #[serde(deserialize_with = "lenient::whole")]
    pub sandbox_count: Option<i64>,
    /// When the first use began.
    #[serde(deserialize_with = "lenient::moment")]
    pub first_start: Option<Timestamp>,
    /// When the last use ended.
    #[serde(deserialize_with = "lenient::moment")]
    pub last_end: Option<Timestamp>,
    /// Seconds of a processor.
    #[serde(rename = "totalCPUSeconds", deserialize_with = "lenient::number")]
    pub cpu_seconds: Option<f64>,
    /// Seconds of a GiB of memory.
    #[serde(rename = "totalRAMGBSeconds", deserialize_with = "lenient::number")]
    pub memory_gib_seconds: Option<f64>,
    /// Seconds of a GiB of disk.
    #[serde(rename = "totalDiskGBSeconds", deserialize_with = "lenient::number")]
    pub disk_gib_seconds: Option<f64>,
    /// Seconds of a graphics processor.
    #[serde(rename = "totalGPUSeconds", deserialize_with = "lenient::number")]
    pub gpu_seconds: Option<f64>,
    /// The price in US dollars.
    #[serde(rename = "totalPrice", deserialize_with = "lenient::number")]
    pub price: Option<f64>,
}

/// What was used in one interval of a chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChartPoint {
    /// When the interval begins.
    #[serde(deserialize_with = "lenient::moment")]
    pub time: Option<Timestamp>,
    /// Processors.
    #[serde(deserialize_with = "lenient::number")]
    pub cpu: Option<f64>,
    /// Their price in US dollars.
    #[serde(deserialize_with = "lenient::number")]
    pub cpu_price: Option<f64>,
    /// Memory in GiB.
    #[serde(rename = "ramGB", deserialize_with = "lenient::number")]
    pub memory_gib: Option<f64>,
    /// Its price.
    #[serde(rename = "ramPrice", deserialize_with = "lenient::number")]
    pub memory_price: Option<f64>,
    /// Disk in GiB.
    #[serde(rename = "diskGB", deserialize_with = "lenient::number")]
    pub disk_gib: Option<f64>,
    /// Its price.
    #[serde(deserialize_with = "lenient::number")]
    pub disk_price: Option<f64>,
}

/// One stretch of time in which a sandbox had the same size.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Period {
    /// When it began.
    #[serde(deserialize_with = "lenient::moment")]
    pub start_at: Option<Timestamp>,
    /// When it ended; `None` while it lasts.
    #[serde(deserialize_with = "lenient::moment")]
    pub end_at: Option<Timestamp>,
    /// Processors.
    #[serde(deserialize_with = "lenient::number")]
    pub cpu: Option<f64>,
    /// Memory in GiB.
    #[serde(rename = "ramGB", deserialize_with = "lenient::number")]
    pub memory_gib: Option<f64>,
    /// Disk in GiB.
    #[serde(rename = "diskGB", deserialize_with = "lenient::number")]
    pub disk_gib: Option<f64>,
    /// Graphics processors.
    #[serde(deserialize_with = "lenient::number")]
    pub gpu: Option<f64>,
    /// The price in US dollars.
    #[serde(deserialize_with = "lenient::number")]
    pub price: Option<f64>,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From this moment on.
    pub from: Timestamp,
    /// Until before this moment.
    pub to: Timestamp,
}

/// The analytics of a server. Organizations are named by their id, see [`KeyInfo::organization_id`].
///
/// [`KeyInfo::organization_id`]: crate::KeyInfo::organization_id
#[derive(Debug, Clone)]
pub struct Analytics {
    client: Client,
    base: Base,
}

impl Analytics {
    pub(crate) async fn find(client: &Client) -> Result<Self> {
        let server = client.account().server().await?;
        let url =
            server.analytics_api_url.filter(|url| !url.is_empty()).ok_or_else(|| Error::WrongAddress {
                url: crate::http::shown(client.base.url()),
                why: "this server has no analytics".to_owned(),
            })?;
        let base = Base::new(client.http.trust().learn(&url)?);
        Ok(Self { client: client.clone(), base })
    }

    /// The usage of a whole organization.
    pub async fn total(&self, organization: &str, span: Span) -> Result<Usage> {
        self.ask(&["organization", organization, "usage", "aggregated"], span, None).await
    }

    /// The usage of each of its sandboxes.
    pub async fn by_sandbox(&self, organization: &str, span: Span) -> Result<Vec<Usage>> {
        self.ask(&["organization", organization, "usage", "sandbox"], span, None).await
    }

    /// Its usage over time, in a region or in all.
    pub async fn chart(
        &self,
        organization: &str,
        span: Span,
        region: Option<&str>,
    ) -> Result<Vec<ChartPoint>> {
        self.ask(&["organization", organization, "usage", "chart"], span, region).await
    }

    /// The usage of one sandbox, piece by piece.
    pub async fn periods(&self, organization: &str, sandbox: &str, span: Span) -> Result<Vec<Period>> {
        self.ask(&["organization", organization, "sandbox", sandbox, "usage"], span, None).await
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        span: Span,
        region: Option<&str>,
    ) -> Result<T> {
        let (from, to) = (lenient::write_moment(span.from), lenient::write_moment(span.to));
        let call = self.base.get(path)?.query("from", from).query("to", to).maybe("region", region);
        self.client.http.json(call).await
    }
}
