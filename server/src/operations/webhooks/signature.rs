//! The signature of a notice, by which a target knows whose it is.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2_digest::Sha256;

/// The value of the header `memex-signature`: `t=SECONDS,v1=HEX`, where `HEX` is the
/// HMAC-SHA256 of `SECONDS.BODY` under the target's secret.
pub(super) fn signature(secret: &str, unix_s: u64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(unix_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("t={unix_s},v1={hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_other_programs() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
        let expected = "t=1700000000,v1=\
            b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163";
        let found = signature("secret", 1_700_000_000, b"{}").unwrap();
        assert_eq!(found, expected);
        assert_ne!(
            signature("secrets", 1_700_000_000, b"{}").unwrap(),
            expected
        );
    }
}
