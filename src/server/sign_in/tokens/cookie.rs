//! Tokens in cookies, for pages of this service.

use actix_web::http::header::{COOKIE, HeaderMap, ORIGIN};

use super::fault::SignInFault;
use crate::server::http::origin::is_host;
use crate::server::sign_in::identity::IdentifyError;

/// Relation between the page and the service, as browsers state it.
const FETCH_SITE: &str = "sec-fetch-site";

/// Checks the name of a cookie.
pub(super) fn check_name(name: &str) -> Result<(), SignInFault> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte))
    };
    match is_name(name) {
        true => Ok(()),
        false => Err(SignInFault(format!("cookie: expected a name, but {name:?} was given"))),
    }
}

/// Returns the value of a cookie, or `None` if the request has no such cookie.
///
/// # Errors
/// If the cookie occurs twice, or the request may come from a foreign page: browsers send cookies with requests of any page.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, IdentifyError> {
    let texts = headers.get_all(COOKIE).filter_map(|cookies| cookies.to_str().ok());
    let pairs = texts.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value.trim_matches('"'));
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        // A neighbouring host may have set the second one.
        return Err(IdentifyError::invalid("the cookie occurs more than once"));
    }
    match is_own(headers) {
        true => Ok(Some(value)),
        false => {
            Err(IdentifyError::Forbidden("the cookie is accepted from pages of this service only".to_owned()))
        }
    }
}

/// Returns true if the request is known to come from a page of this service, or from the user's own navigation.
fn is_own(headers: &HeaderMap) -> bool {
    match (headers.get(ORIGIN), headers.get(FETCH_SITE)) {
        (Some(origin), _) => origin.to_str().is_ok_and(|origin| is_host(origin, headers)),
        // A request that reads needs no `Origin`.
        (None, Some(site)) => matches!(site.as_bytes(), b"same-origin" | b"none"),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HOST, HeaderValue};
    use actix_web::test::TestRequest;

    use super::*;

    fn value(cookies: &[&'static str]) -> Result<Option<String>, IdentifyError> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("api.example"));
        headers.insert(ORIGIN, HeaderValue::from_static("https://api.example"));
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_static(cookie));
        }
        read(&headers, "session").map(|value| value.map(str::to_owned))
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let one = || Ok(Some("a=b".to_owned()));
        assert_eq!(value(&[]), Ok(None));
        assert_eq!(value(&["x=1; xsession=2; session2=3; Session=4; session"]), Ok(None));
        assert_eq!(value(&["x=1;session=a=b; y=2"]), one());
        assert_eq!(value(&["x=1", "session=\"a=b\""]), one());
        assert!(value(&["session=a; session=b"]).is_err());
        assert!(value(&["session=a", "session=a"]).is_err());
        assert!(check_name("__Host-session").is_ok());
        assert!(check_name("a b").is_err() && check_name("").is_err() && check_name("a=b").is_err());
    }

    #[test]
    fn a_request_is_own_if_the_browser_says_so() {
        for (origin, site, expected) in [
            (Some("https://api.example"), None, true),
            (Some("https://api.example"), Some("cross-site"), true),
            (Some("https://evil.example"), Some("same-origin"), false),
            (Some("https://shop.api.example"), Some("same-site"), false),
            (Some("null"), None, false),
            (None, Some("same-origin"), true),
            (None, Some("none"), true),
            (None, Some("same-site"), false),
            (None, Some("cross-site"), false),
            (None, Some(""), false),
            (None, None, false),
        ] {
            let mut http = TestRequest::get().insert_header((HOST, "api.example"));
            for (name, value) in [(ORIGIN.as_str(), origin), (FETCH_SITE, site)] {
                if let Some(value) = value {
                    http = http.insert_header((name, value));
                }
            }
            let http = http.to_http_request();
            assert_eq!(is_own(http.headers()), expected, "{origin:?} {site:?}");
        }
    }
}
