//! The head of a stored snapshot, its checksum right or not: any bytes are a
//! head or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    check(body);
    let mut sealed = body.to_vec();
    sealed.extend_from_slice(blake3::hash(body).as_bytes());
    check(&sealed);
});

fn check(head: &[u8]) {
    match memex_runtime::snapshot_info(head) {
        Ok(info) => assert!(info.chunks.len() * 32 <= head.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
