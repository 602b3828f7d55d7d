//! What the version of the caller's SDK changes about output.

use axum::http::HeaderMap;

/// The subprotocol in which a socket may name the version instead of the header.
const SUBPROTOCOL: &str = "X-Daytona-SDK-Version~";

/// How output is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Both streams in one text that does not tell them apart.
    Merged,
    /// One text with a marker before each line.
    Marked,
    /// JSON with the marked text and each stream.
    Split,
}

impl Form {
    /// The form for a request: what it says about its SDK, or that it wants markers.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match of(headers) {
            None if text(headers, "x-daytona-split-output") == Some("true") => Self::Marked,
            None => Self::Merged,
            Some(version) if version < (0, 27, 0) => Self::Merged,
            Some(version) if version < (0, 167, 0) => Self::Marked,
            Some(_) => Self::Split,
        }
    }
}

/// Whether the sessions of a caller start in the home: those of old SDKs do.
pub(super) fn starts_at_home(headers: &HeaderMap) -> bool {
    of(headers).is_some_and(|version| version < (0, 103, 0))
}

/// The version that a caller names.
fn of(headers: &HeaderMap) -> Option<(u32, u32, u32)> {
    text(headers, "x-daytona-sdk-version").or_else(|| offered(headers)).and_then(parsed)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The subprotocol that names a version, as it was offered.
pub(super) fn subprotocol(headers: &HeaderMap) -> Option<String> {
    offered(headers).map(|version| format!("{SUBPROTOCOL}{version}"))
}

fn offered(headers: &HeaderMap) -> Option<&str> {
    let offers = headers.get_all("sec-websocket-protocol").iter().filter_map(|value| value.to_str().ok());
    offers.flat_map(|offer| offer.split(',')).find_map(|offer| offer.trim().strip_prefix(SUBPROTOCOL))
}

/// Major, minor and patch of a semantic version.
fn parsed(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']).map(str::parse::<u32>);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Some((major, minor, patch)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &'static str, value: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Form::of(&headers)
    }

    #[test]
    fn the_version_decides_whether_streams_can_be_told_apart() {
        assert_eq!(Form::of(&HeaderMap::new()), Form::Merged);
        assert_eq!(form("x-daytona-split-output", "true"), Form::Marked);
        assert_eq!(form("x-daytona-sdk-version", "0.26.9"), Form::Merged);
        assert_eq!(form("x-daytona-sdk-version", "0.27.0"), Form::Marked);
        assert_eq!(form("x-daytona-sdk-version", "0.166.9"), Form::Marked);
        assert_eq!(form("x-daytona-sdk-version", "0.167.0"), Form::Split);
        assert_eq!(form("x-daytona-sdk-version", "0.226.1"), Form::Split);
        assert_eq!(form("x-daytona-sdk-version", "latest"), Form::Merged);
        assert_eq!(form("sec-websocket-protocol", "X-Daytona-SDK-Version~0.226.1"), Form::Split);
    }
}
