//! An archive that is imported: no more comes out of it than is allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_connectors::ImportLimits;
use memex_connectors::fuzzing::import_archive;

const UNPACKED_MAX: u64 = 1 << 16;

fuzz_target!(|bytes: &[u8]| {
    let limits = ImportLimits {
        unpacked_bytes_max: UNPACKED_MAX,
        entries_max: 64,
        ..ImportLimits::default()
    };
    match import_archive(bytes, limits) {
        Ok(unpacked) => assert!(unpacked <= UNPACKED_MAX),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
