//! URLs that open one file of a sandbox without the key, signed with a key of that sandbox.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::Shared;
use crate::cloud::Cloud;
use crate::reply::Answer;
use crate::world::new_id;

pub(super) async fn key(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    Ok(Json(json!(cloud.world().sandbox(&name)?.signing_key)))
}

/// URLs that were signed before no longer open anything.
pub(super) async fn rotate(State(cloud): Shared, Path(name): Path<String>) -> Answer {
    let mut world = cloud.world();
    let sandbox = world.sandbox_mut(&name)?;
    sandbox.signing_key = new_id();
    Ok(Json(json!(sandbox.signing_key)))
}

/// Whether a request has a signature that is good for it.
pub(super) fn signed(cloud: &Cloud, request: &Parts) -> bool {
    let mut path = request.uri.path().splitn(4, '/').skip(2);
    let (Some(id), Some(what)) = (path.next(), path.next()) else { return false };
    if what != "files/download" && what != "files/upload-v2" {
        return false;
    }
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(&request.uri) else { return false };
    let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let (Some(path), Some(expires), Some(signature)) = (get("path"), get("expires"), get("signature")) else {
        return false;
    };
    let late = |until: i64| until != 0 && until < cloud.clock.now().as_second();
    if expires.parse().map_or(true, late) {
        return false;
    }
    let world = cloud.world();
    let Ok(sandbox) = world.sandbox(id) else { return false };
    let text = format!("v1:files:{}:{path}:{expires}", request.method);
    signature == sign(&sandbox.signing_key, &text)
}

fn sign(key: &str, text: &str) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    format!("v1_{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_compute() {
        // RFC 4231, test case 2.
        let expected = "v1_W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM";
        assert_eq!(sign("Jefe", "what do ya want for nothing?"), expected);
    }
}
