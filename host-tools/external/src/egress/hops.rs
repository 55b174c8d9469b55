//! A request on its way through redirects.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;

use super::decoding::ACCEPTED;
use super::error::{HttpError, excerpt};
use super::exchange::RawResponse;
use super::headers::{
    cuts_answers, drop_headers_of_the_body, drop_headers_of_the_origin, echoes_requests,
    guest_headers, is_same, overriding_methods, text_of,
};
use super::limits::HttpLimits;
use super::messages::HttpRequest;
use super::secrets::Secret;
use super::target::Target;
use memex_scrubbing::Scrubber;

const AGENT: &str = concat!("memex/", env!("CARGO_PKG_VERSION"));

/// One request to one place.
#[derive(Debug)]
pub(super) struct Hop {
    pub(super) target: Target,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    body: Bytes,
}

impl Hop {
    /// The first hop: what was asked for.
    pub(super) fn first(request: HttpRequest, limits: &HttpLimits) -> Result<Self, HttpError> {
        let method = request.method.to_ascii_uppercase();
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| HttpError::Invalid {
            what: format!("the method `{}`", excerpt(&request.method)),
            reason: "it is no word of HTTP".to_owned(),
        })?;
        let body_max = limits.request_body_max_bytes;
        if request.body.len() > body_max {
            return Err(HttpError::RequestTooLarge {
                what: "body",
                limit_name: "http_request_bytes",
                limit: body_max,
                actual: request.body.len(),
            });
        }
        Ok(Self {
            target: Target::parse(&request.url, limits.url_max_bytes)?,
            method,
            headers: guest_headers(&request.headers, limits)?,
            body: request.body.into(),
        })
    }

    /// Refuses a guest's own value where the host has a secret to add.
    pub(super) fn check_reserved(&self, secrets: &[Secret]) -> Result<(), HttpError> {
        for secret in secrets.iter().filter(|s| s.belongs_to(&self.target)) {
            let header = secret.as_header().map(|(name, _)| name);
            let header = header.filter(|own| self.headers.keys().any(|name| is_same(name, own)));
            let parameter = secret.as_parameter().map(|(name, _)| name);
            let parameter = parameter.filter(|name| self.target.has_parameter(name));
            let taken = match (header, parameter) {
                (Some(name), _) => ("header", name.to_string()),
                (_, Some(name)) => ("query parameter", name.to_owned()),
                (None, None) => continue,
            };
            return Err(HttpError::Reserved {
                place: taken.0,
                name: taken.1,
                reason: "the host adds it to requests to this server; leave it out",
            });
        }
        Ok(())
    }

    /// Refuses, where the host has a secret to add, what keeps an echo of it
    /// from being found.
    pub(super) fn check_whole(&self, secrets: &[Secret]) -> Result<(), HttpError> {
        if !secrets.iter().any(|s| s.belongs_to(&self.target)) {
            return Ok(());
        }
        let refusal = |place: &'static str, name: &str, reason: &'static str| {
            Err(HttpError::Reserved {
                place,
                name: name.to_owned(),
                reason,
            })
        };
        let mut names = self.headers.keys().map(http::HeaderName::as_str);
        if let Some(name) = names.find(|name| cuts_answers(name)) {
            return refusal(
                "header",
                name,
                "the host adds a secret to requests to this server, and takes whole answers only; leave it out",
            );
        }
        let own = std::iter::once(self.method.as_str().to_owned());
        let mut methods = own.chain(overriding_methods(&self.headers));
        match methods.find(|method| echoes_requests(method)) {
            Some(method) => refusal(
                "method",
                &method,
                "the host adds a secret to requests to this server, which would answer with it",
            ),
            None => Ok(()),
        }
    }

    /// The request on the wire, with the secrets of its target.
    pub(super) fn request(&self, secrets: &[Secret]) -> Result<Request<Full<Bytes>>, HttpError> {
        let own = || secrets.iter().filter(|s| s.belongs_to(&self.target));
        let parameters: Vec<(&str, &str)> = own().filter_map(Secret::as_parameter).collect();
        let mut headers = self.headers.clone();
        for (name, value) in own().filter_map(Secret::as_header) {
            // A redirect may have led here with a header of the guest's.
            let others = headers.keys().filter(|other| is_same(other, &name));
            for other in others.cloned().collect::<Vec<_>>() {
                headers.remove(other);
            }
            headers.insert(name, value);
        }
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(AGENT));
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(ACCEPTED));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let invalid = |error: &dyn std::fmt::Display| HttpError::Invalid {
            what: excerpt(&self.target.origin()),
            reason: error.to_string(),
        };
        let host = HeaderValue::from_str(&self.target.authority()).map_err(|e| invalid(&e))?;
        headers.insert(HOST, host);
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.target.path_and_query(&parameters))
            .body(Full::new(self.body.clone()))
            .map_err(|error| invalid(&error))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Where a redirect leads, with the rewriting that the fetch standard asks for.
    pub(super) fn redirected(
        mut self,
        response: &RawResponse,
        scrubber: &Scrubber,
        limits: &HttpLimits,
    ) -> Result<Self, HttpError> {
        let location = response.headers.get(LOCATION).map(HeaderValue::as_bytes);
        let location = text_of(location.unwrap_or_default());
        let target = self.target.redirected(&location, limits.url_max_bytes)?;
        if !target.same_origin(&self.target) {
            // A server that echoes the query would send the secret elsewhere.
            if scrubber.finds_in(location.as_bytes()) {
                return Err(HttpError::Redirect {
                    origin: self.target.origin(),
                    reason: "to another origin with a secret in the URL".to_owned(),
                });
            }
            drop_headers_of_the_origin(&mut self.headers);
        }
        let becomes_get = match response.status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => self.method != Method::HEAD && self.method != Method::GET,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            drop_headers_of_the_body(&mut self.headers);
        }
        self.target = target;
        Ok(self)
    }

    pub(super) fn body_len(&self) -> usize {
        self.body.len()
    }
}
