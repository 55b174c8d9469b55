//! Keys and tokens, for the fuzz target.

use super::file::parse;
use super::key::Ring;
use super::tokens::Tokens;
use crate::names::Id;

/// Reads bytes as a file of keys, and presents a text to those that it holds.
///
/// # Errors
/// What does not hold.
pub fn check_keys(bytes: &[u8], presented: &str) -> Result<(), String> {
    let records = match parse(bytes) {
        Ok(records) => records,
        Err(reason) if reason.is_empty() => return Err("a refusal without a reason".to_owned()),
        Err(_) => return Ok(()),
    };
    let count = records.len();
    let ring = Ring::new(records);
    let digest = blake3::hash(presented.as_bytes()).to_hex();
    match ring.find(presented) {
        Some(record) if !record.digest.eq_ignore_ascii_case(&digest) => {
            Err("a key was found whose digest is another".to_owned())
        }
        _ if ring.len() > count => Err("there are more keys than records".to_owned()),
        _ => Ok(()),
    }
}

/// Shows a text as the token of a sandbox, to a server whose secret is all sevens.
///
/// # Errors
/// When it is taken, and is not the token that the server made.
pub fn check_token(token: &str) -> Result<(), String> {
    let tokens = Tokens::of_secret([7; 32]);
    let id = Id::parse("aaaaaaaaaaaaaaaaaaaa").ok_or("the text is no identifier")?;
    match tokens.key_of(&id, token) {
        Some(key) if tokens.of(&id, key) != token => Err(format!("{token:?} was taken")),
        _ => Ok(()),
    }
}
