//! Machine code that travels with an image: whose code is run, and whose is compiled here.

use super::{Store, works};
use crate::cache::Copy;
use crate::small::{SECRET, open, spec};
use memex_runtime::{CodeSource, Image, ImageSecret, Progress, PullOptions, Stage, TrustCode};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Says what it was told, and does not wait for a compilation.
#[derive(Default)]
struct NoCompilation(Vec<String>);

const COMPILING: &str = "this test does not compile";

impl Progress for NoCompilation {
    fn begin(&mut self, stage: Stage, _: Option<u64>) {
        assert!(stage != Stage::Rewrite, "{COMPILING}");
    }
    fn advance(&mut self, _: u64) {}
    fn note(&mut self, text: &str) {
        self.0.push(text.into());
    }
}

/// Pulls into a cache without code: whether code was pulled, or why it would
/// have been compiled.
fn pull_code(store: &Store, options: &PullOptions) -> Result<(), String> {
    let copy = Copy::new();
    std::fs::remove_dir_all(copy.path().join("code")).unwrap();
    std::fs::remove_dir_all(copy.path().join("images")).unwrap();
    let cache = open(&copy);
    let mut progress = NoCompilation::default();
    let pulled = catch_unwind(AssertUnwindSafe(|| {
        Image::pull(&cache, &spec(SECRET), store, options, &mut progress)
    }));
    match pulled {
        Ok(Ok(pulled)) => {
            assert_eq!(pulled.code, CodeSource::Store);
            works(&pulled.image);
            Ok(())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => {
            let is_empty = |path: &Path| std::fs::read_dir(path).unwrap().next().is_none();
            assert!(is_empty(&copy.path().join("code")));
            Err(progress.0.join("\n"))
        }
    }
}

fn trusting(trust_code: TrustCode, secret: Option<&[u8]>) -> PullOptions {
    PullOptions {
        trust_code,
        secret: secret.map(|secret| ImageSecret::from_bytes(secret).unwrap()),
        ..PullOptions::default()
    }
}

/// Puts other bytes in the place of code, with all that the store itself says of
/// them: what an attacker does who can write to the store.
fn replace_code(store: &Store) {
    let other = b"other code, of somebody else".to_vec();
    let digest = blake3::hash(&other);
    store
        .pieces
        .lock()
        .unwrap()
        .insert(*digest.as_bytes(), Arc::new(other.clone()));
    store.change("code-", |document| {
        let file = &mut document["files"][0];
        file["blake3"] = digest.to_hex().to_string().into();
        file["parcel"]["bytes"] = other.len().into();
        file["parcel"]["pieces"] = vec![digest.to_hex().to_string()].into();
    });
}

#[test]
fn code_is_taken_only_from_those_who_are_trusted() {
    let (store, pushed) = Store::with_image();
    let code = &pushed.code[0];
    assert!(code.is_vouched);
    let digest = TrustCode::Digest(code.digest.clone());
    let other = b"a secret of another fleet, and long enough for one".as_slice();

    // Whoever pushed it had the same secret; or the digest is known.
    pull_code(&store, &trusting(TrustCode::Secret, Some(SECRET))).unwrap();
    pull_code(&store, &trusting(digest.clone(), None)).unwrap();
    for (secret, expected) in [
        (None, "it is not authenticated"),
        (Some(other), "pushed with another secret, or altered"),
    ] {
        let told = pull_code(&store, &trusting(TrustCode::Secret, secret)).unwrap_err();
        assert!(
            told.contains(expected) && told.contains("compiled here"),
            "{told}"
        );
    }

    replace_code(&store);
    let told = pull_code(&store, &trusting(TrustCode::Secret, Some(SECRET))).unwrap_err();
    assert!(
        told.contains("pushed with another secret, or altered"),
        "{told}"
    );
    let told = pull_code(&store, &trusting(digest, None)).unwrap_err();
    assert!(
        told.contains(&code.digest) && told.contains("hint:"),
        "{told}"
    );
    // Whoever trusts the store gets to the engine's own look at it.
    let told = pull_code(&store, &trusting(TrustCode::Store, None)).unwrap_err();
    assert!(
        told.contains("is damaged") && told.contains("compiled here"),
        "{told}"
    );
}

#[test]
fn code_that_is_damaged_or_of_another_machine_is_compiled_instead() {
    let vouched = trusting(TrustCode::Secret, Some(SECRET));
    let (store, _) = Store::with_image();
    let parcel = store.document_of("code-")["files"][0]["parcel"].clone();
    store.harm(&parcel, |bytes| bytes[100] ^= 1);
    let told = pull_code(&store, &vouched).unwrap_err();
    assert!(told.contains("a piece of it is another one"), "{told}");

    // Sizes are no part of what is authenticated; these have no sum.
    let (store, _) = Store::with_image();
    store.change("code-", |code| {
        for file in code["files"].as_array_mut().unwrap() {
            file["parcel"]["bytes"] = serde_json::json!(u64::MAX);
        }
    });
    let told = pull_code(&store, &vouched).unwrap_err();
    assert!(told.contains("it is too long"), "{told}");

    let (store, pushed) = Store::with_image();
    let mut documents = store.documents.lock().unwrap();
    let name = documents
        .keys()
        .find(|name| name.starts_with("code-"))
        .unwrap()
        .clone();
    let document = documents.remove(&name).unwrap();
    let of_another = String::from_utf8(document).unwrap();
    let of_another = of_another.replace(name.trim_start_matches("code-"), &"0".repeat(32));
    documents.insert(format!("code-{}", "0".repeat(32)), of_another.into_bytes());
    drop(documents);
    let told = pull_code(&store, &vouched).unwrap_err();
    assert!(
        told.contains("no machine code for") && told.contains(&pushed.code[0].machine),
        "{told}"
    );
}
