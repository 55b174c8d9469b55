//! What clients of E2B send, for the fuzz targets.

use axum::http::HeaderMap;

use super::address::{Destination, destination, host_of};
use super::signature::{Operation, Signed};
use super::{connect, control};
use crate::names::Id;

pub(in crate::wires) fn read_bodies(body: &[u8]) -> Result<(), String> {
    control::fuzzing::read_new_sandbox(body)
}

pub(in crate::wires) fn check_call(headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
    connect::fuzzing::check_call(headers, body)
}

/// A host name leads to a sandbox only by an identifier, and a header by no path.
pub(in crate::wires) fn check_address(headers: &HeaderMap) -> Result<(), String> {
    let host = host_of(headers, None);
    let by_header = headers.contains_key("e2b-sandbox-id");
    match destination(headers, host) {
        Destination::Sandbox(address) => {
            let name = &address.sandbox;
            let is_plain = !name.is_empty() && !name.contains(['/', '.', '\\', '\0']);
            match is_plain && (by_header || Id::parse(name).is_some()) {
                true => Ok(()),
                false => Err(format!("{host:?} leads to {name:?}")),
            }
        }
        Destination::Unreadable(reason) if reason.is_empty() => Err("no reason".to_owned()),
        Destination::Unreadable(_) | Destination::Server => Ok(()),
    }
}

/// No text is a signature of what the token of a sandbox did not sign.
pub(in crate::wires) fn check_signature(text: &str) -> Result<(), String> {
    let mut fields = text.split('\n');
    let mut field = || fields.next().unwrap_or_default();
    let (path, user, signature, expiration) = (field(), field(), field(), fields.next());
    let signed = Signed {
        path,
        user,
        signature,
        expiration,
    };
    match signed.check(Operation::Read, "a token that nobody knows", 1_800_000_000) {
        Ok(()) => Err(format!("{text:?} was taken for signed")),
        Err(_) => Ok(()),
    }
}
