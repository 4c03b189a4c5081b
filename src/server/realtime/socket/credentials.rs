//! Credentials of a socket: browsers cannot set headers of a handshake, so clients send them in `connection_init`.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;

use super::message::Payload;
use crate::server::sign_in::{CREDENTIALS, PROXY_SECRET, SignInRefusal};

/// Returns `headers`, those of the handshake, with the credentials of a payload in place of their own. A payload has them under
/// `headers` or, as GraphiQL sends them, at its top, whatever the case of their names. A handshake through a trusted proxy keeps
/// its own: the proxy has seen the handshake and not the payload.
pub(super) fn of_init(mut headers: HeaderMap, payload: Option<Payload>) -> Result<HeaderMap, SignInRefusal> {
    if headers.contains_key(PROXY_SECRET) {
        return Ok(headers);
    }
    let mut payload = payload.unwrap_or_default();
    let own = match payload.remove("headers") {
        Some(Json::Object(own)) => own,
        None | Some(Json::Null) => Payload::new(),
        Some(_) => return Err(SignInRefusal::bad_request("expected an object as \"headers\"")),
    };
    let mut sent: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in own.into_iter().chain(payload) {
        let lower = name.to_ascii_lowercase();
        if !CREDENTIALS.contains(&lower.as_str()) {
            continue;
        }
        let name = HeaderName::try_from(lower).ok();
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        match (name, value) {
            (Some(name), Some(value)) => sent.push((name, value)),
            _ => return Err(SignInRefusal::bad_request("expected text as the value of a credential")),
        }
    }
    for (name, _) in &sent {
        headers.remove(name);
    }
    // Appended: credentials that occur twice are refused like headers that do.
    for (name, value) in sent {
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn authorization(payload: Json) -> Result<Vec<String>, u16> {
        let mut handshake = HeaderMap::new();
        handshake.insert(HeaderName::from_static("authorization"), HeaderValue::from_static("handshake"));
        let payload = payload.as_object().cloned();
        let headers = of_init(handshake, payload).map_err(|refusal| refusal.status().as_u16())?;
        Ok(headers.get_all("authorization").map(|value| value.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn credentials_of_the_payload_come_before_those_of_the_handshake() {
        let only = |value: &str| Ok(vec![value.to_owned()]);
        assert_eq!(authorization(Json::Null), only("handshake"));
        assert_eq!(authorization(json!({ "headers": null, "other": 1 })), only("handshake"));
        assert_eq!(authorization(json!({ "authorization": "a" })), only("a"));
        assert_eq!(authorization(json!({ "headers": { "Authorization": "a", "X": {} } })), only("a"));
        let twice = authorization(json!({ "headers": { "authorization": "a" }, "Authorization": "b" }));
        assert_eq!(twice.unwrap().len(), 2);
        assert_eq!(authorization(json!({ "Authorization": "a", "x-other": 1 })), only("a"));
        let acting = json!({ "Crowsfoot-Admin-Secret": "s", "Crowsfoot-Role": "user" }).as_object().cloned();
        let acting = of_init(HeaderMap::new(), acting).map_err(|refusal| refusal.status().as_u16()).unwrap();
        for (name, value) in [("crowsfoot-admin-secret", "s"), ("crowsfoot-role", "user")] {
            assert_eq!(acting.get(name).and_then(|value| value.to_str().ok()), Some(value));
        }
        assert_eq!(authorization(json!({ "headers": "a" })), Err(400));
        assert_eq!(authorization(json!({ "authorization": { "a": 1 } })), Err(400));
        assert_eq!(authorization(json!({ "authorization": "a\nb" })), Err(400));
    }

    #[test]
    fn a_payload_replaces_no_credentials_of_a_proxy() {
        let mut handshake = HeaderMap::new();
        for (name, value) in [(PROXY_SECRET, "secret"), ("crowsfoot-role", "user")] {
            handshake.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let payload = json!({ "headers": { "crowsfoot-role": "all" }, "authorization": "a" });
        let headers = of_init(handshake.clone(), payload.as_object().cloned()).unwrap();
        assert_eq!(format!("{headers:?}"), format!("{handshake:?}"));
    }
}
