//! A Parquet or Arrow file or a workbook: what it states of its sizes is not believed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_sql::read_tables;
use std::path::PathBuf;
use std::sync::{Once, OnceLock};

const MAX_BYTES: usize = 1 << 20;

/// The decoders are other people's; the reader takes their panics for damage, and
/// only those. The fuzzer would end at each.
fn let_decoders_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let end = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let of_decoder = info.location().is_some_and(|location| {
                let packages = ["/parquet-", "/arrow-"];
                packages.iter().any(|name| location.file().contains(name))
            });
            if !of_decoder {
                end(info);
            }
        }));
    });
}

fuzz_target!(|bytes: &[u8]| {
    let_decoders_panic();
    static PLACES: OnceLock<[PathBuf; 4]> = OnceLock::new();
    let [parquet, arrow, xlsx, ods] = PLACES.get_or_init(|| {
        // In memory, if the system has such a place.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a temporary folder").keep();
        ["parquet", "arrow", "xlsx", "ods"].map(|ending| folder.join("file").with_extension(ending))
    });
    let is_open_document = bytes
        .windows(11)
        .take(4096)
        .any(|name| name == b"content.xml");
    let path = match bytes {
        [b'P', b'A', b'R', b'1', ..] => parquet,
        [b'P', b'K', ..] if is_open_document => ods,
        [b'P', b'K', ..] => xlsx,
        _ => arrow,
    };
    std::fs::write(path, bytes).expect("the file can be written");
    match read_tables(path, MAX_BYTES) {
        Ok(tables) => {
            let parts = tables.iter().flat_map(|table| &table.value.parts);
            let bytes: usize = parts.map(Vec::len).sum();
            assert!(bytes <= 2 * MAX_BYTES, "{bytes}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
