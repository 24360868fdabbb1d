//! What the next request is when an answer points elsewhere.

use bytes::Bytes;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};

pub(super) const REDIRECTS_MAX: usize = 5;

/// One request of a chain.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// An earlier hop took the body and sent us on to look at what came of it, so the effect has happened.
    pub(super) effect_done: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum RedirectError {
    /// A `Location` that is no URL.
    Location,
    /// From https to http.
    Downgrade,
}

impl Hop {
    /// `None` if the answer is not a redirect.
    pub(super) fn next(&self, status: StatusCode, answer: &HeaderMap) -> Option<Result<Self, RedirectError>> {
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = answer.get(LOCATION)?;
        let url = location.to_str().ok().and_then(|text| self.url.join(text).ok());
        let Some(url) = url else { return Some(Err(RedirectError::Location)) };
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Some(Err(RedirectError::Downgrade));
        }
        let mut next = Self { url, ..self.clone() };
        if becomes_get(&self.method, status) {
            next.effect_done |= self.method != Method::GET;
            next.method = Method::GET;
            next.body = Bytes::new();
            next.headers.remove(CONTENT_TYPE);
        }
        if next.url.origin() != self.url.origin() {
            keep_harmless(&mut next.headers);
        }
        Some(Ok(next))
    }
}

/// 303 always asks for a look; 301 and 302 do for POST, because every browser reads them so.
fn becomes_get(method: &Method, status: StatusCode) -> bool {
    match status {
        StatusCode::SEE_OTHER => *method != Method::HEAD,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => *method == Method::POST,
        _ => false,
    }
}

/// Any header can be a credential, whatever its name, so another origin gets only those that cannot.
fn keep_harmless(headers: &mut HeaderMap) {
    let kept = [ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE]
        .into_iter()
        .filter_map(|name| headers.get(&name).cloned().map(|value| (name, value)))
        .collect();
    *headers = kept;
}

#[cfg(test)]
mod tests {
    use reqwest::header::{AUTHORIZATION, HeaderValue};

    use super::*;

    fn hop(method: Method, url: &str) -> Hop {
        let headers = [
            (AUTHORIZATION, HeaderValue::from_static("Bearer x")),
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        let (url, body) = (url.parse().unwrap(), Bytes::from_static(b"{}"));
        Hop { method, url, headers: headers.into_iter().collect(), body, effect_done: false }
    }

    fn follow(hop: &Hop, status: u16, location: &str) -> Option<Result<Hop, RedirectError>> {
        let answer = [(LOCATION, HeaderValue::from_str(location).unwrap())].into_iter().collect();
        hop.next(StatusCode::from_u16(status).unwrap(), &answer)
    }

    #[test]
    fn the_method_follows_the_status() {
        let check = |method: Method, status: u16, expected: Method, effect_done: bool| {
            let next = follow(&hop(method.clone(), "http://a.test/x"), status, "/y").unwrap().unwrap();
            assert_eq!((next.method, next.effect_done), (expected.clone(), effect_done), "{method} {status}");
            assert_eq!(next.body.is_empty(), expected == Method::GET && method != Method::GET, "{method} {status}");
            assert_eq!(next.url.as_str(), "http://a.test/y");
        };
        for status in [301, 302, 303] {
            check(Method::POST, status, Method::GET, true);
        }
        for status in [307, 308] {
            check(Method::POST, status, Method::POST, false);
        }
        check(Method::PUT, 302, Method::PUT, false);
        check(Method::PUT, 303, Method::GET, true);
        check(Method::HEAD, 303, Method::HEAD, false);
        check(Method::GET, 307, Method::GET, false);
    }

    #[test]
    fn another_origin_gets_no_credentials() {
        let check = |location: &str, kept: bool| {
            let next = follow(&hop(Method::GET, "http://a.test/x"), 302, location).unwrap().unwrap();
            assert_eq!(next.headers.contains_key(AUTHORIZATION), kept, "{location}");
            assert!(next.headers.contains_key(ACCEPT));
        };
        check("http://a.test/y", true);
        check("http://b.test/y", false);
        check("http://a.test:81/y", false);
        check("https://a.test/y", false);
        check("//b.test/", false);
    }

    #[test]
    fn not_every_answer_leads_on() {
        assert!(follow(&hop(Method::GET, "http://a.test/"), 304, "/y").is_none());
        assert!(hop(Method::GET, "http://a.test/").next(StatusCode::FOUND, &HeaderMap::new()).is_none());
        let error = |url: &str, location: &str| follow(&hop(Method::GET, url), 302, location).unwrap().unwrap_err();
        assert_eq!(error("https://a.test/", "http://a.test/"), RedirectError::Downgrade);
        assert_eq!(error("http://a.test/", "http://[/"), RedirectError::Location);
    }
}
