//! Documents and pieces of images, beside the sessions of a bucket.

use memex_snapshots::{
    CHUNK_BYTES_MAX, Digest, Error, ObjectStore, RecordDraft, Retention, Saved, SnapshotStore,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

fn store(folder: &Path) -> ObjectStore {
    ObjectStore::open(&format!("file://{}", folder.display())).unwrap()
}

fn file(folder: &Path, ending: &str) -> PathBuf {
    let mut folders = vec![folder.join("images")];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                return path;
            }
        }
    }
    panic!("no {ending}")
}

fn pieces() -> Vec<(Digest, Vec<u8>)> {
    let pieces = [vec![7; CHUNK_BYTES_MAX], (0..=255).collect(), Vec::new()];
    pieces.map(|bytes| (Digest::of(&bytes), bytes)).into()
}

#[test]
fn documents_and_pieces_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let images = store(folder.path()).images();
    assert!(images.documents().unwrap().is_empty());
    assert_eq!(images.document("image-1").unwrap(), None);
    for text in ["first", "second"] {
        images.put_document("image-1", text.as_bytes()).unwrap();
    }
    images.put_document("code-1", b"").unwrap();
    assert_eq!(images.documents().unwrap(), ["code-1", "image-1"]);
    assert_eq!(images.document("image-1").unwrap().unwrap(), b"second");

    let pieces = pieces();
    let names: Vec<Digest> = pieces.iter().map(|(name, _)| *name).collect();
    assert_eq!(images.present(&names).unwrap(), [false; 3]);
    let stored = images.put_pieces(&pieces).unwrap();
    assert!(stored < 2000, "{stored} bytes of a mebibyte of sevens");
    assert_eq!(images.present(&names).unwrap(), [true; 3]);
    let absent = Digest::of(b"absent");
    let found = images
        .pieces(&[names[1], absent, names[0], names[2]])
        .unwrap();
    assert_eq!(found[0].as_ref(), Some(&pieces[1].1));
    assert_eq!(
        (found[1].as_ref(), found[2].as_ref()),
        (None, Some(&pieces[0].1))
    );
    assert_eq!(found[3].as_ref(), Some(&pieces[2].1));
}

#[test]
fn what_was_altered_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let images = store(folder.path()).images();
    let piece = (Digest::of(b"piece"), b"piece".to_vec());
    images.put_document("image-1", b"text").unwrap();
    images.put_pieces(std::slice::from_ref(&piece)).unwrap();
    for (ending, harm) in [
        (".document", 0),
        (".document", 1),
        (".chunk", 0),
        (".chunk", 1),
    ] {
        let path = file(folder.path(), ending);
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        match harm {
            0 => bytes.truncate(whole.len() - 3),
            _ => bytes[whole.len() - 1] ^= 1,
        }
        std::fs::write(&path, bytes).unwrap();
        let told = match ending {
            ".chunk" => images.pieces(&[piece.0]).map(drop),
            _ => images.document("image-1").map(drop),
        };
        assert!(
            matches!(told, Err(Error::Damaged { .. })),
            "{ending} {harm}: {told:?}"
        );
        std::fs::write(&path, whole).unwrap();
    }
    // A document of a later format, and a piece in the place of a document.
    let path = file(folder.path(), ".document");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 9;
    std::fs::write(&path, bytes).unwrap();
    let told = images.document("image-1");
    assert!(
        matches!(told, Err(Error::Version { found: 9, .. })),
        "{told:?}"
    );
    std::fs::copy(file(folder.path(), ".chunk"), &path).unwrap();
    let told = images.document("image-1");
    assert!(matches!(told, Err(Error::Damaged { .. })), "{told:?}");
}

#[test]
fn what_cannot_be_an_image_is_refused_before_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let images = store(folder.path()).images();
    let long = "a".repeat(101);
    for name in ["", "../x", "a/b", "Upper", ".hidden", long.as_str()] {
        let told = images.put_document(name, b"");
        assert!(matches!(told, Err(Error::Name { .. })), "{name}: {told:?}");
        assert!(images.document(name).is_err());
    }
    let long = vec![0; CHUNK_BYTES_MAX + 1];
    let told = images.put_pieces(&[(Digest::of(&long), long)]);
    assert!(matches!(told, Err(Error::TooLarge { .. })), "{told:?}");
    let told = images.put_pieces(&[(Digest::of(b"one"), b"other".to_vec())]);
    assert!(matches!(told, Err(Error::WrongDigest { .. })), "{told:?}");
    let told = images.put_document("image-1", &vec![0; (8 << 20) + 1]);
    assert!(matches!(told, Err(Error::TooLarge { .. })), "{told:?}");
}

/// A collection of sessions removes what no session needs, and no image.
#[test]
fn a_collection_leaves_images_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let images = store.images();
    images.put_document("image-1", b"text").unwrap();
    images.put_pieces(&pieces()).unwrap();
    store
        .put(
            &Saved::from_head(b"unnamed".to_vec()),
            &RecordDraft::new("image", 1),
        )
        .unwrap();
    let retention = Retention {
        grace: Duration::ZERO,
        ..Retention::default()
    };
    let later = SystemTime::now() + Duration::from_secs(7200);
    let report = store.gc(&retention, later).unwrap();
    assert_eq!(report.removed, 1, "the control");
    assert_eq!(images.document("image-1").unwrap().unwrap(), b"text");
    let names: Vec<Digest> = pieces().iter().map(|(name, _)| *name).collect();
    assert_eq!(images.present(&names).unwrap(), [true; 3]);
}
