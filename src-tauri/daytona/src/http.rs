//! The one place that sends: headers, time limits, repeating, redirects, and what an answer means.
//!
//! The key goes along only to origins that are trusted: the API's own, and those that the API names as the place of a
//! sandbox, never in the clear when the API itself is encrypted. Redirects are followed within one origin.

mod answer;
mod call;
mod incoming;
mod socket;
mod tls;
mod trust;
mod upload;

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

pub(crate) use self::answer::Buffered;
pub(crate) use self::call::{Base, Call, Payload};
pub(crate) use self::incoming::Incoming;
pub(crate) use self::socket::{Frame, Sender, Socket};
use self::trust::Trust;
pub(crate) use self::upload::Source;
use crate::config::{Config, Limits, SDK_VERSION};
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::retry::Retry;

/// The proxy in front of the sandboxes closes connections that were idle for 70 s. Taking one that is about to be
/// closed costs a failed call, so they are given up before.
const IDLE: Duration = Duration::from_secs(50);
const REDIRECTS: usize = 5;

/// A connection pool with the key, shared by all clones.
#[derive(Clone)]
pub(crate) struct Http(Arc<Inner>);

struct Inner {
    client: reqwest::Client,
    key: ApiKey,
    retry: Retry,
    limits: Limits,
    trust: Trust,
}

impl Http {
    pub(crate) fn new(config: &Config, base: &Url) -> Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(base)?)
            .http1_only()
            .default_headers(headers(config)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(config.limits.connect)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .build()
            .map_err(|source| Error::misuse(answer::chain(&source)))?;
        let trust = Trust::new(base);
        let (key, retry, limits) = (config.key.clone(), config.retry, config.limits);
        Ok(Self(Arc::new(Inner { client, key, retry, limits, trust })))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn retry(&self) -> &Retry {
        &self.0.retry
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.0.trust
    }

    /// The answer as a value.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let operation = call.operation.clone();
        self.buffered(call).await?.json(&operation)
    }

    /// A call whose answer says nothing but that it worked.
    pub(crate) async fn done(&self, call: Call) -> Result<()> {
        self.buffered(call).await?.not_a_page()
    }

    /// The whole answer. An attempt lies in a box of its own, here and below: what calls it, and what calls that, would
    /// otherwise be as large as everything that HTTP needs.
    pub(crate) async fn buffered(&self, mut call: Call) -> Result<Buffered> {
        let mut done = 0;
        loop {
            let limit = call_limit(&call, self);
            let attempt = Box::pin(async {
                let response = self.attempt(&mut call).await?;
                Buffered::read(response, &call.operation).await
            });
            match within(limit, attempt).await.unwrap_or_else(|| Err(late(&call, limit))) {
                Ok(answer) => return Ok(answer),
                Err(error) => self.pause(&call, &mut done, error).await?,
            }
        }
    }

    /// The answer's head; its body is read by the caller. The time limit is for the head.
    pub(crate) async fn open(&self, mut call: Call) -> Result<Response> {
        let mut done = 0;
        loop {
            let limit = call_limit(&call, self);
            let attempt = Box::pin(self.attempt(&mut call));
            match within(limit, attempt).await.unwrap_or_else(|| Err(late(&call, limit))) {
                Ok(answer) => return Ok(answer),
                Err(error) => self.pause(&call, &mut done, error).await?,
            }
        }
    }

    /// Waits before the next attempt, or gives the error back when there is none.
    async fn pause(&self, call: &Call, done: &mut u32, error: Error) -> Result<()> {
        let repeatable = call.payload.is_repeatable();
        let pause = self.0.retry.pause(*done, call.repeat, &error, fastrand::f64());
        let Some(pause) = pause.filter(|_| repeatable) else { return Err(error) };
        tracing::debug!(operation = call.operation, %error, ?pause, "a call is repeated");
        tokio::time::sleep(pause).await;
        *done += 1;
        Ok(())
    }

    /// One attempt, with its redirects. A status that is no success is an error.
    async fn attempt(&self, call: &mut Call) -> Result<Response> {
        let mut url = call.url.clone();
        for _ in 0..=REDIRECTS {
            let response = self.once(call, url.clone()).await?;
            let next = redirect(&response, &call.method, &url).filter(|_| call.payload.is_repeatable());
            let Some(next) = next else { return self.judge(response, call).await };
            url = next?;
        }
        Err(Error::WrongAddress { url: shown(&url), why: "it redirects without end".to_owned() })
    }

    async fn once(&self, call: &mut Call, url: Url) -> Result<Response> {
        let mut request = self.0.client.request(call.method.clone(), url.clone());
        if call.authorized {
            request = request.header(reqwest::header::AUTHORIZATION, self.authorization(&url)?);
        }
        request = request.header(ACCEPT, call.accept).headers(call.headers.clone());
        if call.passive {
            request = request.header("X-Daytona-Skip-Last-Activity-Update", "true");
        }
        request = match call.payload.open().await? {
            Some((kind, body, None)) => request.header(CONTENT_TYPE, kind).body(body),
            Some((kind, body, Some(length))) => {
                request.header(CONTENT_TYPE, kind).header(CONTENT_LENGTH, length).body(body)
            }
            // Some proxies refuse a POST that does not say its length.
            None if !matches!(call.method, Method::GET | Method::HEAD) => request.header(CONTENT_LENGTH, 0),
            None => request,
        };
        let begun = Instant::now();
        let result = request.send().await;
        let status = result.as_ref().ok().map(|response| response.status().as_u16());
        tracing::debug!(operation = call.operation, status, elapsed = ?begun.elapsed(), "called");
        result.map_err(|source| answer::broken(&source, &call.operation))
    }

    /// The header with the key, for a place that may see it.
    fn authorization(&self, url: &Url) -> Result<HeaderValue> {
        if !self.0.trust.covers(url) {
            return Err(Error::WrongAddress {
                url: shown(url),
                why: "the key is not sent there: it is neither the API nor a place that the API named"
                    .to_owned(),
            });
        }
        self.0.key.header().ok_or_else(|| Error::misuse("the key has characters that no key can have"))
    }

    async fn judge(&self, response: Response, call: &Call) -> Result<Response> {
        let status = response.status();
        if status.is_success() || (call.upgrade && status == StatusCode::SWITCHING_PROTOCOLS) {
            return Ok(response);
        }
        Err(answer::refusal(response, &call.operation, &self.0.key).await)
    }
}

fn headers(config: &Config) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Error::misuse(format!("`{text}` cannot be sent as a header")))
    };
    headers.insert("X-Daytona-Source", value(&config.source)?);
    headers.insert("X-Daytona-SDK-Version", HeaderValue::from_static(SDK_VERSION));
    headers.insert(reqwest::header::USER_AGENT, value(&format!("{}/{SDK_VERSION}", config.source))?);
    if let Some(organization) = &config.organization {
        headers.insert("X-Daytona-Organization-ID", value(organization)?);
    }
    Ok(headers)
}

/// Where a redirect leads; an error when that is another origin, or would turn the call into another one.
fn redirect(response: &Response, method: &Method, from: &Url) -> Option<Result<Url>> {
    let status = response.status();
    if !status.is_redirection() {
        return None;
    }
    let target = response.headers().get(LOCATION)?.to_str().ok()?;
    let keeps = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
        || matches!(*method, Method::GET | Method::HEAD);
    let wrong = |why: String| Some(Err(Error::WrongAddress { url: shown(from), why }));
    match from.join(target) {
        Ok(to) if to.origin() != from.origin() => wrong(format!("it redirects to {}", shown_origin(&to))),
        Ok(_) if !keeps => wrong("it redirects, as a page does".to_owned()),
        Ok(to) => Some(Ok(to)),
        Err(_) => wrong("it redirects to what is no address".to_owned()),
    }
}

fn call_limit(call: &Call, http: &Http) -> Option<Duration> {
    match call.limit {
        call::Limit::Call => Some(http.0.limits.call),
        call::Limit::Held => Some(http.0.limits.held),
        call::Limit::Of(limit) => Some(limit),
        call::Limit::None => None,
    }
}

async fn within<F: Future>(limit: Option<Duration>, work: F) -> Option<F::Output> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

fn late(call: &Call, limit: Option<Duration>) -> Error {
    Error::Timeout { operation: call.operation.clone(), after: limit.unwrap_or_default() }
}

/// An address as it may be shown: a query can have a signature or a token in it.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}{}", shown_origin(url), url.path())
}

fn shown_origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}
