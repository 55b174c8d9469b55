//! A snapshot of format 1, as it was written when the format was made: it must
//! stay readable, byte for byte and meaning for meaning.
//!
//! The ignored test writes the files; that belongs to a new version of the
//! format, and to files of another name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{Bounds, Encoded, Generators, Snapshot};
use crate::memory::MemoryImage;
use crate::platform::PAGE_BYTES;
use crate::state::{HeapState, Page, PageDelta, RestState, Streak};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

const IMAGE_PAGES: usize = 16;
const IMAGE_DIGEST: [u8; 32] = [0x5a; 32];

/// Numbers that nothing compresses.
fn noise(seed: u64) -> Page {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
        (state >> 56) as u8
    })
}

fn image() -> MemoryImage {
    let mut file = tempfile::tempfile().unwrap();
    for page in 0..IMAGE_PAGES {
        file.write_all(&[page as u8; PAGE_BYTES]).unwrap();
    }
    MemoryImage::new(file, IMAGE_PAGES * PAGE_BYTES).unwrap()
}

/// Sparse changes, a page that changed throughout, and memory beyond the image
/// that is large enough for a chunk.
fn pages() -> Vec<(u32, Page)> {
    let mut sparse = [3; PAGE_BYTES];
    sparse[100..110].copy_from_slice(b"some lines");
    sparse[4000] = 0;
    let mut pages = vec![(3, sparse), (7, noise(7))];
    pages.extend((64..112).map(|number| (number, noise(u64::from(number)))));
    pages
}

fn snapshot(image: &MemoryImage) -> Snapshot {
    let saved = pages().into_iter().map(|(number, page)| {
        let base = image.page_array(number).unwrap();
        (number, Arc::new(PageDelta::between(&page, base)))
    });
    Snapshot {
        image: IMAGE_DIGEST,
        turn: 41,
        monotonic_ns: 1_234_567_890,
        random_position: 99,
        awaits_calls: true,
        streak: Streak::default(),
        state: RestState {
            heap: HeapState {
                pages: Arc::new(saved.collect()),
                layers: Vec::new(),
                memory_bytes: 128 * PAGE_BYTES as u64,
                stack_pointer: 16_000,
            },
            files: memex_filesystem::FileState::default(),
            seeded: true,
            current: true,
        },
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/snapshot/golden")
}

fn chunk_name(digest: &[u8; 32]) -> String {
    format!("v1-{}.chunk", &blake3::Hash::from(*digest).to_hex()[..16])
}

fn write(encoded: &Encoded) {
    std::fs::write(folder().join("v1.head"), &encoded.head).unwrap();
    for chunk in &encoded.chunks {
        std::fs::write(folder().join(chunk_name(&chunk.digest)), &chunk.bytes).unwrap();
    }
}

#[test]
#[ignore = "writes the files"]
fn write_the_files() {
    let image = image();
    let written = snapshot(&image);
    write(&written.encode_with(&image, &[], Generators::Keep).unwrap());
}

#[test]
fn a_snapshot_of_format_1_stays_readable() {
    let image = image();
    let written = snapshot(&image);
    let encoded = written.encode_with(&image, &[], Generators::Keep).unwrap();
    let head = std::fs::read(folder().join("v1.head")).unwrap();
    let bounds = Bounds {
        memory_bytes: 128 * PAGE_BYTES as u64,
        ..Bounds::OWN
    };
    let chunk = |digest: &_| Ok(std::fs::read(folder().join(chunk_name(digest))).unwrap());
    let (read, generators) =
        Snapshot::decode_with(&head, (&image, IMAGE_DIGEST), &bounds, chunk).unwrap();
    assert_eq!(generators, Generators::Keep);
    assert_eq!(
        (
            read.turn,
            read.monotonic_ns,
            read.random_position,
            read.awaits_calls
        ),
        (41, 1_234_567_890, 99, true)
    );
    let heap = &read.state.heap;
    assert_eq!(
        (heap.memory_bytes, heap.stack_pointer),
        (128 * PAGE_BYTES as u64, 16_000)
    );
    assert_eq!(heap.pages, written.state.heap.pages);
    assert_eq!(read.state.files, written.state.files);
    // What is not compressed is still written like this.
    assert_eq!(encoded.head[..96], head[..96]);
    assert_eq!(
        read.streak,
        Streak::default(),
        "it was written before that was kept"
    );
    assert_eq!(encoded.chunks.len(), 1);
}

#[test]
fn how_the_last_turns_ended_is_kept() {
    let image = image();
    let written = Snapshot {
        streak: Streak::of_weight(23).unwrap(),
        ..snapshot(&image)
    };
    let encoded = written.encode_with(&image, &[], Generators::Keep).unwrap();
    let read = |head: &[u8]| {
        let chunk = |_: &_| Ok(encoded.chunks[0].bytes.clone());
        Snapshot::decode_with(head, (&image, IMAGE_DIGEST), &Bounds::OWN, chunk)
    };
    assert_eq!(read(&encoded.head).unwrap().0.streak, written.streak);
    // One that takes hooks off is none that a session at rest has.
    for (weight, reserved) in [(24_u32, 0_u32), (u32::MAX, 0), (0, 1)] {
        let body = encoded.head.len() - 32;
        let mut forged = encoded.head[..body].to_vec();
        forged[88..92].copy_from_slice(&weight.to_le_bytes());
        forged[92..96].copy_from_slice(&reserved.to_le_bytes());
        let checksum = *blake3::hash(&forged).as_bytes();
        forged.extend_from_slice(&checksum);
        assert!(read(&forged).is_err(), "{weight} {reserved}");
    }
}
