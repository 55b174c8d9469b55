//! Files of the server's data directory: keys, records, and the audit log, which stays whole
//! wherever a kill has cut it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_server::fuzzing::{check_keys, check_log, check_record};
use std::path::PathBuf;
use std::sync::OnceLock;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(check_record(bytes), Ok(()));
    let last = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let presented = String::from_utf8_lossy(last);
    assert_eq!(check_keys(bytes, &presented), Ok(()));
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        // In memory, if the system has such a place.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        folder.expect("a temporary folder").keep()
    });
    if let Err(error) = check_log(folder, bytes) {
        panic!("{error}");
    }
});
