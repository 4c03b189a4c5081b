//! Tokens in cookies, for pages of this service.

use actix_web::http::header::{COOKIE, HeaderMap};

use super::fault::SignInFault;
use super::identity::IdentifyError;
use crate::server::http::origin;

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
    match origin::is_own(headers) {
        true => Ok(Some(value)),
        false => {
            Err(IdentifyError::Forbidden("the cookie is accepted from pages of this service only".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HOST, HeaderValue, ORIGIN};

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
}
