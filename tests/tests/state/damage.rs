//! Bytes that are not a snapshot, or not this image's.

use crate::{chunk, decode};
use memex_runtime::{Encoded, Error, Generators, snapshot_info};
use memex_tests::{run, session, standard_sandbox, value_of};

fn saved(code: &str) -> Encoded {
    let mut session = session();
    run(&mut session, code);
    let snapshot = session.snapshot().unwrap();
    standard_sandbox()
        .encode(&snapshot, Generators::Fresh)
        .unwrap()
}

/// What a refusal says. Panics when the bytes are accepted.
fn refusal(encoded: &Encoded) -> String {
    match decode(standard_sandbox(), encoded) {
        Ok(_) => panic!("the bytes were accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_truncation_is_refused() {
    let encoded = saved("x = 1");
    assert!(decode(standard_sandbox(), &encoded).is_ok());
    for length in (0..encoded.head.len())
        .step_by(97)
        .chain([encoded.head.len() - 1])
    {
        let cut = Encoded {
            head: encoded.head[..length].to_vec(),
            chunks: Vec::new(),
        };
        let message = refusal(&cut);
        assert!(
            message.contains("not a usable snapshot"),
            "{length}: {message}"
        );
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let encoded = saved("x = 1");
    for at in (0..encoded.head.len()).step_by(61) {
        let mut head = encoded.head.clone();
        head[at] ^= 1 << (at % 8);
        refusal(&Encoded {
            head,
            chunks: Vec::new(),
        });
    }
}

/// A head whose checksum is right although its contents are not: what somebody
/// can write who knows the format.
fn forged(head: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Encoded {
    let mut head = head[..head.len() - 32].to_vec();
    change(&mut head);
    let checksum = blake3::hash(&head);
    head.extend_from_slice(checksum.as_bytes());
    Encoded {
        head,
        chunks: Vec::new(),
    }
}

#[test]
fn forged_heads_are_refused_or_harmless() {
    let encoded = saved("x = 1");
    let table = 96;
    let cases: &[(&str, usize, &[u8], &str)] = &[
        ("magic", 0, b"NOTEMEX!", "does not begin as a snapshot"),
        ("version", 8, &9_u32.to_le_bytes(), "format version 9"),
        (
            "flags",
            12,
            &0x80_u32.to_le_bytes(),
            "features that this version does not have",
        ),
        ("image", 16, &[7; 32], "was taken on image"),
        (
            "turns",
            48,
            &u64::MAX.to_le_bytes(),
            "impossible number of turns",
        ),
        (
            "memory size",
            56,
            &12345_u64.to_le_bytes(),
            "impossible size",
        ),
        (
            "small memory",
            56,
            &65536_u64.to_le_bytes(),
            "smaller than its image",
        ),
        ("sections", 68, &u32::MAX.to_le_bytes(), "table is cut off"),
        ("kind", table, &[9], "unknown kind"),
        ("place", table + 1, &[9], "unknown place"),
        (
            "count",
            table + 8,
            &u32::MAX.to_le_bytes(),
            "impossible size",
        ),
        (
            "raw size",
            table + 12,
            &u32::MAX.to_le_bytes(),
            "impossible size",
        ),
        (
            "stored size",
            table + 16,
            &u32::MAX.to_le_bytes(),
            "cut off",
        ),
    ];
    for (name, at, bytes, expected) in cases {
        let forged = forged(&encoded.head, |head| {
            head[*at..at + bytes.len()].copy_from_slice(bytes)
        });
        let message = refusal(&forged);
        assert!(message.contains(expected), "{name}: {message}");
    }
    // The stack pointer and the contents of pages are the guest's own business:
    // a hostile heap is what the sandbox is for.
    let hostile = forged(&encoded.head, |head| {
        head[64..68].copy_from_slice(&8_u32.to_le_bytes())
    });
    let snapshot = decode(standard_sandbox(), &hostile).unwrap();
    let mut copy = crate::restored(standard_sandbox(), &snapshot);
    let outcome = run(&mut copy, "1 + 1");
    assert!(
        outcome.value.is_some() || outcome.rolled_back,
        "{outcome:?}"
    );
    assert_eq!(value_of(&mut session(), "1 + 1"), "2");
}

#[test]
fn chunks_must_be_what_their_names_say() {
    let encoded = saved("import os; data = os.urandom(4 << 20)");
    let sandbox = standard_sandbox().clone();
    assert!(!encoded.chunks.is_empty());
    assert!(decode(&sandbox, &encoded).is_ok());
    let wrong = sandbox.decode(&encoded.head, |digest| {
        let mut bytes = chunk(&encoded.chunks, digest)?;
        bytes[0] ^= 1;
        Ok(bytes)
    });
    assert!(
        matches!(&wrong, Err(Error::Snapshot(reason)) if reason.contains("digest")),
        "{wrong:?}"
    );
    let missing = sandbox.decode(&encoded.head, |_| Err(Error::Snapshot("gone".into())));
    assert!(matches!(missing, Err(Error::Snapshot(reason)) if reason == "gone"));
    let info = snapshot_info(&encoded.head).unwrap();
    assert_eq!(info.chunks.len(), encoded.chunks.len());
    assert_eq!(info.turn, 1);
}

/// A row of the table that stands for `raw_bytes` of a kind.
struct Forgery {
    kind: u8,
    first: u32,
    count: u32,
    raw: Vec<u8>,
    in_chunk: bool,
}

const LINES: u8 = 0;
const PAGES: u8 = 1;
const FILES: u8 = 2;

/// A head with further sections, `times` each, as somebody writes it who knows
/// the format; and the chunks it names.
fn with_sections(head: &[u8], forgeries: &[(Forgery, usize)]) -> (Vec<u8>, Vec<Vec<u8>>) {
    const HEADER: usize = 96;
    const ROW: usize = 48;
    let count = u32::from_le_bytes(head[68..72].try_into().unwrap()) as usize;
    let table_end = HEADER + count * ROW;
    let inline_end = head.len() - 32;
    let (mut rows, mut inline, mut chunks) = (Vec::new(), Vec::new(), Vec::new());
    let mut added = 0;
    for (forgery, times) in forgeries {
        let packed = zstd::bulk::compress(&forgery.raw, 19).unwrap();
        for _ in 0..*times {
            rows.extend_from_slice(&[forgery.kind, u8::from(forgery.in_chunk), 0, 0]);
            rows.extend_from_slice(&forgery.first.to_le_bytes());
            rows.extend_from_slice(&forgery.count.to_le_bytes());
            rows.extend_from_slice(&(forgery.raw.len() as u32).to_le_bytes());
            let mut reference = [0; 32];
            if forgery.in_chunk {
                reference = *blake3::hash(&forgery.raw).as_bytes();
            } else {
                reference[..4].copy_from_slice(&(packed.len() as u32).to_le_bytes());
                inline.extend_from_slice(&packed);
            }
            rows.extend_from_slice(&reference);
        }
        if forgery.in_chunk {
            chunks.push(forgery.raw.clone());
        }
        added += times;
    }
    let mut forged = head[..table_end].to_vec();
    forged[68..72].copy_from_slice(&((count + added) as u32).to_le_bytes());
    forged.extend_from_slice(&rows);
    forged.extend_from_slice(&head[table_end..inline_end]);
    forged.extend_from_slice(&inline);
    let checksum = blake3::hash(&forged);
    forged.extend_from_slice(checksum.as_bytes());
    (forged, chunks)
}

/// Sizes are summed for each kind and held against the policy before a byte is
/// fetched or unpacked.
#[test]
fn sections_are_summed_before_they_are_unpacked() {
    let encoded = saved("x = 1");
    assert!(encoded.chunks.is_empty(), "the head alone is enough");
    let memory = snapshot_info(&encoded.head).unwrap().memory_bytes;
    let pages = (memory / 4096) as usize;
    let files = |in_chunk| Forgery {
        kind: FILES,
        first: 9,
        count: 1,
        raw: vec![0; 1 << 20],
        in_chunk,
    };
    let page_run = |in_chunk| Forgery {
        kind: PAGES,
        first: 0,
        count: 64,
        raw: vec![0; 64 * 4096],
        in_chunk,
    };
    let lines = |in_chunk| Forgery {
        kind: LINES,
        first: 0,
        count: 8192,
        raw: vec![0; 8192 * 68],
        in_chunk,
    };
    let empty = |kind, in_chunk| Forgery {
        kind,
        first: 0,
        count: 0,
        raw: Vec::new(),
        in_chunk,
    };
    let too_many_pages = "more pages than its memory";
    let cases = [
        // 4 GiB of files in a head of some hundred kilobytes.
        (files(false), 4_000, "are allowed\nhint: raise file_bytes"),
        (files(true), 4_000, "are allowed\nhint: raise file_bytes"),
        (page_run(false), pages / 64 + 1, too_many_pages),
        (page_run(true), pages / 64 + 1, too_many_pages),
        (lines(false), pages * 64 / 8192 + 1, too_many_pages),
        (lines(true), pages * 64 / 8192 + 1, too_many_pages),
        (empty(FILES, true), 100_000, "impossible size"),
        (empty(PAGES, true), 100_000, "impossible size"),
        (empty(LINES, false), 100_000, "impossible size"),
    ];
    for (forgery, times, expected) in cases {
        let (kind, in_chunk) = (forgery.kind, forgery.in_chunk);
        let (head, chunks) = with_sections(&encoded.head, &[(forgery, times)]);
        if kind == FILES && !in_chunk {
            assert!(head.len() < 1 << 20, "{} bytes", head.len());
        }
        let mut fetched = 0;
        let decoded = standard_sandbox().decode(&head, |digest| {
            fetched += 1;
            let found = chunks
                .iter()
                .find(|raw| blake3::hash(raw).as_bytes() == digest);
            found
                .cloned()
                .ok_or_else(|| Error::Snapshot("no such chunk".into()))
        });
        let message = decoded
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(message.contains(expected), "kind {kind}: {message}");
        assert_eq!(fetched, 0, "kind {kind}");
    }
    // The control: within the bounds such a head is looked into.
    let (head, _) = with_sections(&encoded.head, &[(files(false), 2)]);
    let message = refusal(&Encoded {
        head,
        chunks: Vec::new(),
    });
    assert!(
        message.contains("its files: file state is damaged"),
        "{message}"
    );
    let (head, _) = with_sections(&encoded.head, &[(lines(false), 2)]);
    assert!(
        decode(
            standard_sandbox(),
            &Encoded {
                head,
                chunks: Vec::new()
            }
        )
        .is_ok()
    );
}

/// What a state holds is held against the policy that reads it.
#[test]
fn states_past_the_policy_are_refused_before_they_are_built() {
    let mut writer = session();
    run(
        &mut writer,
        "import os\nfor i in range(20): open(f'/tmp/{i}', 'w').write('x' * 1000)\nkept = [open('/tmp/0') for _ in range(10)]\nblob = bytes(2**26)",
    );
    let snapshot = writer.snapshot().unwrap();
    let encoded = standard_sandbox()
        .encode(&snapshot, Generators::Fresh)
        .unwrap();
    let narrowed = |name: &str, value: u64| {
        memex_tests::sandbox(|policy| policy.set_limit(name, value).unwrap())
    };
    let memory = snapshot_info(&encoded.head).unwrap().memory_bytes;
    for (name, enough, least) in [
        ("file_bytes", 20_000, 19_999),
        ("files", 20, 19),
        ("open_files", 10, 9),
        ("memory_bytes", memory, memory - 1),
    ] {
        let accepted = decode(&narrowed(name, enough), &encoded);
        assert!(accepted.is_ok(), "{name}: {accepted:?}");
        let message = match decode(&narrowed(name, least), &encoded) {
            Ok(_) => panic!("{name}: the state was accepted"),
            Err(error) => error.to_string(),
        };
        assert!(
            message.contains(&format!("hint: raise {name}")),
            "{name}: {message}"
        );
    }
    // A session that has more all the same can sleep: its state is its own.
    let small = narrowed("file_bytes", 100);
    let (session, _) = small
        .restore(&snapshot, Generators::Keep, Default::default())
        .unwrap();
    let (mut woken, _) = session.hibernate().unwrap().wake().unwrap();
    assert_eq!(value_of(&mut woken, "len(open('/tmp/7').read())"), "1000");
}
