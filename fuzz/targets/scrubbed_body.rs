//! A body in which a peer hides a secret: what is left has none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_external::egress::Secret;
use memex_external::fuzzing::Scrubbed;
use std::sync::OnceLock;

fuzz_target!(|bytes: &[u8]| {
    static SCRUBBED: OnceLock<Scrubbed> = OnceLock::new();
    let scrubbed = SCRUBBED.get_or_init(|| {
        let secret = Secret::header("example.com", "authorization", "Bearer s3cret/T0ken+x");
        Scrubbed::new(&[secret])
    });
    let (_, is_clean) = scrubbed.clean(bytes.to_vec());
    assert!(is_clean);
});
