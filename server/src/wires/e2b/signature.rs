//! Signatures of file URLs: a sandbox's token vouches for one path, one
//! operation and one user, until a time or for ever.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};

/// What a signed URL permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Write,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A signed URL, as its query says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub(crate) path: &'a str,
    pub(crate) user: &'a str,
    pub(crate) signature: &'a str,
    /// As it is written: it is part of what was signed.
    pub(crate) expiration: Option<&'a str>,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// It is not the one that the token makes.
    Forged,
    /// It was good until a time that is past.
    Expired,
}

impl Signed<'_> {
    /// Checks the signature with a sandbox's token, at a time in seconds since
    /// 1970.
    ///
    /// The digest is compared in constant time; the time is looked at only once
    /// the signature is right, so that forgers learn nothing from the answer.
    pub(crate) fn check(
        &self,
        operation: Operation,
        token: &str,
        now_s: u64,
    ) -> Result<(), Invalid> {
        // What is signed has the parts in a row, and only a path may have their separator in
        // it: `p:write:u`, read by nobody, would be `p`, written by `u:read:`.
        if self.user.contains(':') {
            return Err(Invalid::Forged);
        }
        let expected = signature(self.path, operation, self.user, token, self.expiration);
        // Digests of this type are compared in constant time.
        let given = blake3::hash(self.signature.as_bytes());
        if blake3::hash(expected.as_bytes()) != given {
            return Err(Invalid::Forged);
        }
        match self.expiration.map(str::parse::<u64>) {
            None => Ok(()),
            Some(Ok(end)) if now_s < end => Ok(()),
            Some(_) => Err(Invalid::Expired),
        }
    }
}

fn signature(
    path: &str,
    operation: Operation,
    user: &str,
    token: &str,
    expiration: Option<&str>,
) -> String {
    let mut digest = Sha256::new();
    for part in [path, ":", operation.name(), ":", user, ":", token] {
        digest.update(part);
    }
    if let Some(expiration) = expiration {
        digest.update(":");
        digest.update(expiration);
    }
    format!("v1_{}", STANDARD_NO_PAD.encode(digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "ea_token";

    fn signed<'a>(signature: &'a str, expiration: Option<&'a str>) -> Signed<'a> {
        Signed {
            path: "a b.txt",
            user: "",
            signature,
            expiration,
        }
    }

    /// The value is what `e2b.sandbox.signature.get_signature` 2.63 returns.
    #[test]
    fn the_signature_is_the_one_of_the_client() {
        let made = signature("a b.txt", Operation::Read, "", TOKEN, None);
        assert_eq!(made, "v1_M+0m6EA4N46vhHgmwkBNLVszOmADMLbc0zTnihAaFyY");
        let timed = signature(
            "a b.txt",
            Operation::Write,
            "user",
            TOKEN,
            Some("1700000000"),
        );
        assert_eq!(timed, "v1_oAKE7SaJ6B1TPCWeqjvqytp4NeCg3oBmJyUIotYNqYQ");
    }

    #[test]
    fn a_signature_to_read_is_none_to_write() {
        let path = "notes:write:admin";
        let read = signature(path, Operation::Read, "", TOKEN, None);
        let signed = |path, user| Signed {
            path,
            user,
            signature: &read,
            expiration: None,
        };
        let checked = |path, user, operation| signed(path, user).check(operation, TOKEN, 0);
        assert_eq!(checked(path, "", Operation::Read), Ok(()));
        for (path, user) in [("notes", "admin:read:"), ("notes", "admin"), (path, "")] {
            let forged = checked(path, user, Operation::Write);
            assert_eq!(forged, Err(Invalid::Forged), "{path} {user}");
        }
        let same = signature("notes", Operation::Write, "admin:read:", TOKEN, None);
        assert_eq!(same, read, "the digests are one");
    }

    #[test]
    fn a_signature_holds_for_what_was_signed_alone() {
        let good = signature("a b.txt", Operation::Read, "", TOKEN, None);
        assert_eq!(signed(&good, None).check(Operation::Read, TOKEN, 0), Ok(()));

        let forged = Err(Invalid::Forged);
        let other = Signed {
            path: "a b.tx",
            ..signed(&good, None)
        };
        assert_eq!(other.check(Operation::Read, TOKEN, 0), forged);
        assert_eq!(
            signed(&good, None).check(Operation::Write, TOKEN, 0),
            forged
        );
        assert_eq!(
            signed(&good, None).check(Operation::Read, "other", 0),
            forged
        );
        assert_eq!(
            signed(&good, Some("9")).check(Operation::Read, TOKEN, 0),
            forged
        );
        assert_eq!(signed("", None).check(Operation::Read, TOKEN, 0), forged);
        assert_eq!(signed("v1_", None).check(Operation::Read, TOKEN, 0), forged);
    }

    #[test]
    fn a_signature_ends_when_it_says() {
        let until = |end: &str| signature("a b.txt", Operation::Read, "", TOKEN, Some(end));
        let (ten, word) = (until("10"), until("never"));
        let at = |now_s| signed(&ten, Some("10")).check(Operation::Read, TOKEN, now_s);
        assert_eq!(at(9), Ok(()));
        assert_eq!(at(10), Err(Invalid::Expired));
        // A signed end that is no number is none that can be waited for.
        let odd = signed(&word, Some("never")).check(Operation::Read, TOKEN, 0);
        assert_eq!(odd, Err(Invalid::Expired));
    }
}
