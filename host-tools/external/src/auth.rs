//! How a request proves who sends it, with secrets of the host's owner.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::document::{Fields, list};
use super::error::OutsideError;
use super::secrets::Vault;
use memex_policies::nearest;
use memex_scrubbing::check_header_value;

const KINDS: &[&str] = &["basic", "bearer", "header", "query"];
/// Headers that belong to the connection.
const RESERVED_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a declaration says of authorisation.
#[derive(Debug, Clone)]
pub(super) struct AuthDeclaration {
    kind: String,
    secret: String,
    /// The header or the field of the query.
    name: String,
    user: String,
    place: String,
}

/// What authorisation adds to each request.
#[derive(Clone, Default)]
pub(super) struct Auth {
    pub(super) header: Option<(String, String)>,
    pub(super) query: Option<(String, String)>,
}

impl AuthDeclaration {
    pub(super) fn parse(fields: &Fields<'_>) -> Result<Option<Self>, OutsideError> {
        let Some(auth) = fields.table("auth")? else {
            return Ok(None);
        };
        let kind = auth.require("kind", &format!("one of {}", list(KINDS)))?;
        if !KINDS.contains(&kind) {
            let hint = nearest(kind, KINDS)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(auth.refusal(format!("`kind` must be one of {}{hint}", list(KINDS))));
        }
        auth.expect(match kind {
            "basic" => &["kind", "secret", "user"],
            "bearer" => &["kind", "secret"],
            _ => &["kind", "secret", "name"],
        })?;
        let name = match kind {
            "header" => {
                let name = auth.require("name", "the header that takes the secret")?;
                check_header(name).map_err(|reason| auth.refusal(reason))?;
                name
            }
            "query" => auth.require("name", "the field of the query that takes the secret")?,
            _ => "Authorization",
        };
        let user = match kind {
            "basic" => auth.require("user", "the user's name")?,
            _ => "",
        };
        if user.contains(':') {
            return Err(auth.refusal("`user` must not contain a colon"));
        }
        Ok(Some(Self {
            kind: kind.to_owned(),
            secret: auth
                .require("secret", "the name of the secret, not its value")?
                .to_owned(),
            name: name.to_owned(),
            user: user.to_owned(),
            place: auth.place.clone(),
        }))
    }

    pub(super) fn is_query(&self) -> bool {
        self.kind == "query"
    }

    /// The field of the query that the secret goes to, if it is one.
    pub(super) fn query_field(&self) -> Option<&str> {
        self.is_query().then_some(self.name.as_str())
    }

    /// The header that the secret goes to, if it is one.
    pub(super) fn header(&self) -> Option<&str> {
        (!self.is_query()).then_some(self.name.as_str())
    }

    pub(super) fn resolve(&self, vault: &mut Vault<'_>) -> Result<Auth, OutsideError> {
        let value = vault.open(&self.place, &self.secret)?;
        if self.kind == "header" {
            check_header_value(&value).map_err(|reason| OutsideError::Secret {
                place: self.place.clone(),
                name: self.secret.clone(),
                reason,
            })?;
        }
        let text = match self.kind.as_str() {
            "bearer" => format!("Bearer {value}"),
            "basic" => {
                let credentials = STANDARD.encode(format!("{}:{value}", self.user));
                vault.derive(&self.secret, &credentials);
                format!("Basic {credentials}")
            }
            _ => value,
        };
        let named = (self.name.clone(), text);
        if self.is_query() {
            return Ok(Auth {
                header: None,
                query: Some(named),
            });
        }
        if named.1.chars().any(char::is_control) {
            return Err(OutsideError::Secret {
                place: self.place.clone(),
                name: self.secret.clone(),
                reason:
                    "has control characters, which no header takes; does it end with a newline?"
                        .to_owned(),
            });
        }
        Ok(Auth {
            header: Some(named),
            query: None,
        })
    }
}

/// Whether a declaration may set the header.
pub(super) fn check_header(name: &str) -> Result<(), String> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Err(format!("{name:?} cannot be the name of a header"));
    }
    match RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        true => Err(format!("the header `{name}` belongs to the connection")),
        false => Ok(()),
    }
}
