//! The contents of a directory of the host, for comparing two.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Every name below a directory, with what is there: links are not followed.
pub fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path();
            let name = path
                .strip_prefix(root)
                .expect("it lies below")
                .display()
                .to_string();
            let Ok(metadata) = path.symlink_metadata() else {
                continue;
            };
            let what = if metadata.is_dir() {
                pending.push(path);
                "directory".to_owned()
            } else if metadata.is_symlink() {
                let target = std::fs::read_link(&path).unwrap_or_default();
                format!("link to {}, {} names", target.display(), metadata.nlink())
            } else {
                let bytes = std::fs::read(&path).unwrap_or_default();
                format!(
                    "file of {} bytes {:?}, {} names",
                    bytes.len(),
                    digest(&bytes),
                    metadata.nlink()
                )
            };
            found.insert(name, what);
        }
    }
    found
}

fn digest(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
