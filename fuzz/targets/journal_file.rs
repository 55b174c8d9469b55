//! A file of a server's ledger in which anything was written: it is read or refused; what it
//! keeps stays the same when it is opened again, and it can be written to.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_journal::{Change, Journal, Options};
use std::path::Path;
use std::sync::OnceLock;

type Kept = Vec<(Vec<u8>, Option<Vec<u8>>)>;

fn kept(journal: &Journal) -> Kept {
    let keys = journal.keys(b"").into_iter();
    let mut kept: Kept = keys
        .map(|(key, _)| {
            // A value whose record is damaged is an error, and nothing else.
            let value = journal.get(&key).unwrap_or_default();
            (key.into_vec(), value)
        })
        .collect();
    kept.sort();
    kept
}

/// A file with a few records.
fn good() -> &'static [u8] {
    static GOOD: OnceLock<Vec<u8>> = OnceLock::new();
    GOOD.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path(), Options::default()).unwrap();
        for turn in 0..4_u8 {
            let (long, short) = ([turn; 40], [turn]);
            let changes = [Change::put(b"a", &long), Change::put(b"b", &short)];
            journal.append(&changes).unwrap();
        }
        journal.append(&[Change::remove(b"b")]).unwrap();
        std::fs::read(file(folder.path())).unwrap()
    })
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("00000001.journal")
}

fuzz_target!(|bytes: &[u8]| {
    let Some(([low, high], written)) = bytes.split_first_chunk() else {
        return;
    };
    // Over a good file, or instead of one.
    let place = usize::from(u16::from_le_bytes([*low, *high]));
    let content = match place <= good().len() {
        true => {
            let mut content = good().to_vec();
            let end = (place + written.len()).max(content.len());
            content.resize(end, 0);
            content[place..place + written.len()].copy_from_slice(written);
            content
        }
        false => written.to_vec(),
    };
    let folder = tempfile::tempdir().unwrap();
    {
        use std::os::unix::fs::PermissionsExt;
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder.path(), private).unwrap();
    }
    std::fs::write(file(folder.path()), content).unwrap();
    let Ok(journal) = Journal::open(folder.path(), Options::default()) else {
        return;
    };
    let first = kept(&journal);
    drop(journal);
    let journal = Journal::open(folder.path(), Options::default()).unwrap();
    assert_eq!(kept(&journal), first);
    journal.append(&[Change::put(b"new", b"value")]).unwrap();
    drop(journal);
    let journal = Journal::open(folder.path(), Options::default()).unwrap();
    assert_eq!(journal.get(b"new").unwrap().as_deref(), Some(&b"value"[..]));
});
