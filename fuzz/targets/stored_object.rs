//! An object of a store, its checksum right: what is accepted as a lease, a link
//! or a pointer encodes to itself.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    assert_eq!(memex_snapshots::fuzzing::check_object(body), Ok(()));
});
