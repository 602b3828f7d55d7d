//! Signatures of requests as S3 wants them: AWS Signature Version 4, with everything in headers.

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use ring::{digest, hmac};

use crate::error::{Error, Result};
use crate::http::Call;

/// Credentials, and when they are used.
pub(super) struct Signer<'a> {
    pub(super) key: &'a str,
    pub(super) secret: &'a str,
    pub(super) token: &'a str,
    pub(super) region: &'a str,
    pub(super) now: Timestamp,
}

impl Signer<'_> {
    /// Adds the headers. `hash` is the SHA-256 of the body.
    pub(super) fn sign(&self, call: Call, hash: &str) -> Result<Call> {
        let time = self.now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut headers = vec![
            ("host", host(call.url())),
            ("x-amz-content-sha256", hash.to_owned()),
            ("x-amz-date", time),
            ("x-amz-security-token", self.token.to_owned()),
        ];
        headers.retain(|(_, value)| !value.is_empty());
        let authorization = self.authorization(call.method().as_str(), call.url(), &headers, hash);
        let mut call = call.header(AUTHORIZATION, value(&authorization)?);
        for (name, text) in headers.into_iter().filter(|(name, _)| *name != "host") {
            call = call.header(HeaderName::from_static(name), value(&text)?);
        }
        Ok(call)
    }

    /// The header over these others, which are in the order of their names.
    fn authorization(&self, method: &str, url: &Url, headers: &[(&str, String)], hash: &str) -> String {
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines = headers.iter().flat_map(|(name, value)| [*name, ":", value.as_str(), "\n"]);
        let (path, query) = (url.path(), url.query().unwrap_or_default());
        let request = [
            &[method, "\n", path, "\n", query, "\n"],
            &*lines.collect::<Vec<_>>(),
            &["\n", &names, "\n", hash],
        ];
        let request = hex(digest::digest(&digest::SHA256, request.concat().concat().as_bytes()).as_ref());
        let (time, day) = (self.now.strftime("%Y%m%dT%H%M%SZ"), self.now.strftime("%Y%m%d").to_string());
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{request}");
        let mut key = format!("AWS4{}", self.secret).into_bytes();
        for part in [&day, self.region, "s3", "aws4_request", &text] {
            key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        let (id, signature) = (self.key, hex(&key));
        format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}")
    }
}

/// As the HTTP library sends it: without a port that goes without saying.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn value(text: &str) -> Result<HeaderValue> {
    let value =
        HeaderValue::from_str(text).map_err(|_| Error::misuse("credentials cannot be sent as a header"));
    value.map(|mut value| {
        value.set_sensitive(true);
        value
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first example of the specification: reading an object.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let signer = Signer {
            key: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            token: "",
            region: "us-east-1",
            now: "2013-05-24T00:00:00Z".parse().unwrap(),
        };
        let url: Url = "https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap();
        let nothing = hex(digest::digest(&digest::SHA256, b"").as_ref());
        let headers = [
            ("host", host(&url)),
            ("range", "bytes=0-9".to_owned()),
            ("x-amz-content-sha256", nothing.clone()),
            ("x-amz-date", "20130524T000000Z".to_owned()),
        ];
        assert_eq!(
            signer.authorization("GET", &url, &headers, &nothing),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }

    #[test]
    fn a_port_is_part_of_the_host_where_it_is_not_the_usual_one() {
        assert_eq!(host(&"https://s3.example.com/b".parse().unwrap()), "s3.example.com");
        assert_eq!(host(&"http://localhost:9000/b".parse().unwrap()), "localhost:9000");
    }
}
