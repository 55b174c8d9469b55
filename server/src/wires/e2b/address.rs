//! Which sandbox, and which of its ports, a request is for.
//!
//! Clients on plain HTTP name both in headers; over TLS they call
//! `{port}-{sandbox}.{domain}`. A request that names neither is for the control
//! plane.

use axum::http::{HeaderMap, header};

use crate::names::Id;

/// The port of files and processes.
pub(crate) const ENVD_PORT: u16 = 49983;
/// The port of the code interpreter.
pub(crate) const CODE_PORT: u16 = 49999;
/// The longest id of a sandbox that is looked for.
const ID_MAX_BYTES: usize = 64;

const ID_HEADER: &str = "e2b-sandbox-id";
const PORT_HEADER: &str = "e2b-sandbox-port";

/// A sandbox and a port of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) sandbox: String,
    pub(crate) port: u16,
}

/// What the headers of a request say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// No sandbox: the control plane, or a signed URL.
    Server,
    /// A port of a sandbox.
    Sandbox(Address),
    /// Headers that contradict each other, or that cannot be read.
    Unreadable(&'static str),
}

/// Reads a request's destination. `host` is what the client called: the header
/// `Host`, or the authority of the request's target.
pub(crate) fn destination(headers: &HeaderMap, host: Option<&str>) -> Destination {
    let mut ids = headers.get_all(ID_HEADER).iter();
    let Some(id) = ids.next() else {
        return match host.and_then(of_host) {
            Some(address) => Destination::Sandbox(address),
            None => Destination::Server,
        };
    };
    // Two ids could be read differently by a proxy and by us.
    if ids.next().is_some() {
        return Destination::Unreadable("the header E2b-Sandbox-Id is there twice");
    }
    let Some(sandbox) = id.to_str().ok().filter(|id| is_id(id)) else {
        return Destination::Unreadable("the header E2b-Sandbox-Id holds no sandbox id");
    };
    let mut ports = headers.get_all(PORT_HEADER).iter();
    let port = match (ports.next(), ports.next()) {
        (None, _) => Some(ENVD_PORT),
        (Some(port), None) => port.to_str().ok().and_then(port_of),
        (Some(_), Some(_)) => None,
    };
    match port {
        Some(port) => Destination::Sandbox(Address {
            sandbox: sandbox.to_owned(),
            port,
        }),
        None => Destination::Unreadable("the header E2b-Sandbox-Port holds no port"),
    }
}

/// The host that a client called.
pub(crate) fn host_of<'a>(headers: &'a HeaderMap, authority: Option<&'a str>) -> Option<&'a str> {
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// `{port}-{sandbox}.{domain}`, whatever the domain is: a front proxy may have
/// its own.
fn of_host(host: &str) -> Option<Address> {
    let (label, _domain) = host.split_once('.')?;
    let (port, sandbox) = label.split_once('-')?;
    let port = port_of(port)?;
    // Host names have no case. A name of another shape is one of the machine's own, such as
    // `8700-name.example.org`.
    let sandbox = sandbox.to_ascii_lowercase();
    Id::parse(&sandbox)?;
    Some(Address { sandbox, port })
}

fn is_id(text: &str) -> bool {
    (1..=ID_MAX_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Digits only: `parse` would take a sign.
fn port_of(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn at(sandbox: &str, port: u16) -> Destination {
        Destination::Sandbox(Address {
            sandbox: sandbox.to_owned(),
            port,
        })
    }

    #[test]
    fn headers_and_host_names_name_a_sandbox_and_a_port() {
        let by_header = headers(&[("e2b-sandbox-id", "iabc"), ("e2b-sandbox-port", "49999")]);
        assert_eq!(destination(&by_header, None), at("iabc", CODE_PORT));
        let without_port = headers(&[("e2b-sandbox-id", "iabc")]);
        assert_eq!(destination(&without_port, None), at("iabc", ENVD_PORT));

        let none = HeaderMap::new();
        let id = "mdq3x7aa2bk5o6w7yz3c";
        for (host, expected) in [
            (format!("49999-{id}.e2b.test"), at(id, 49999)),
            (
                format!("49983-{}.e2b.test:8443", id.to_uppercase()),
                at(id, 49983),
            ),
            (format!("3000-{id}.localhost"), at(id, 3000)),
            (format!("99999-{id}.e2b.test"), Destination::Server),
            (format!("+80-{id}.e2b.test"), Destination::Server),
            (format!("-{id}.e2b.test"), Destination::Server),
        ] {
            assert_eq!(destination(&none, Some(&host)), expected, "{host}");
        }
        for (host, expected) in [
            ("8700-abc.example.org", Destination::Server),
            ("8700-name-of-a-machine.example.org", Destination::Server),
            ("api.e2b.test", Destination::Server),
            ("127.0.0.1:4700", Destination::Server),
            ("localhost:4700", Destination::Server),
            ("80-.e2b.test", Destination::Server),
            ("80-a/b.e2b.test", Destination::Server),
        ] {
            assert_eq!(destination(&none, Some(host)), expected, "{host}");
        }
        // Headers come first: a client on plain HTTP calls any host.
        assert_eq!(
            destination(&by_header, Some("49983-other.e2b.test")),
            at("iabc", CODE_PORT)
        );
    }

    #[test]
    fn headers_that_say_two_things_are_refused() {
        let long = "a".repeat(65);
        for pairs in [
            &[("e2b-sandbox-id", "iabc"), ("e2b-sandbox-id", "iabd")][..],
            &[
                ("e2b-sandbox-id", "iabc"),
                ("e2b-sandbox-port", "1"),
                ("e2b-sandbox-port", "2"),
            ],
            &[("e2b-sandbox-id", "")],
            &[("e2b-sandbox-id", "../x")],
            &[("e2b-sandbox-id", long.as_str())],
            &[("e2b-sandbox-id", "iabc"), ("e2b-sandbox-port", "+1")],
            &[("e2b-sandbox-id", "iabc"), ("e2b-sandbox-port", "65536")],
        ] {
            let found = destination(&headers(pairs), None);
            assert!(matches!(found, Destination::Unreadable(_)), "{pairs:?}");
        }
    }
}
