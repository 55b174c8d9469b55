//! A request as every attempt sends it.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use url::Url;

use crate::error::excerpt;
use crate::key::scrubbed;
use crate::{ApiKey, ModelError, Protocol};

/// Everything that every attempt sends again.
pub(super) struct Outgoing<'a> {
    pub(super) protocol: Protocol,
    pub(super) url: &'a Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The text that errors must not contain.
    pub(super) secrets: &'a [ApiKey],
}

impl Outgoing<'_> {
    pub(super) fn peer(&self) -> String {
        let host = self.url.host_str().unwrap_or("the server");
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// A failure of the network, without the URL, which may contain secrets.
    pub(super) fn lost(&self, error: reqwest::Error) -> ModelError {
        let mut message = String::new();
        let error = error.without_url();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(this) = cause {
            let text = this.to_string();
            if !message.ends_with(&text) {
                if !message.is_empty() {
                    message.push_str(": ");
                }
                message.push_str(&text);
            }
            cause = this.source();
        }
        ModelError::Connection {
            peer: self.peer(),
            message: scrubbed(&excerpt(&message), self.secrets),
        }
    }
}
