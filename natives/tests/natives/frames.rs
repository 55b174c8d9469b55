//! Frames of Zstandard.

use super::{WIDE, call, call_until, call_within, part};
use memex_natives::{Bounds, Refusal};
use serde_json::{Value, json};

fn compressing(more: &[(&str, Value)]) -> Value {
    let mut request = json!({
        "name": "zstd.compress", "level": 3, "checksum": false, "content_size": true,
        "dictionary_id": true, "window_log": null, "long_distance": false,
    });
    for (name, value) in more {
        request[*name] = value.clone();
    }
    request
}

fn compressed(data: &[u8], more: &[(&str, Value)]) -> Vec<u8> {
    part(call(&compressing(more), &[data]).unwrap())
}

fn decompress() -> Value {
    json!({"name": "zstd.decompress"})
}

/// Bytes with some order in them.
fn text(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut word = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{} ", (state >> 33) % 5_000)
    };
    let mut text = String::new();
    while text.len() < bytes {
        text.push_str(&word());
    }
    text.truncate(bytes);
    text.into_bytes()
}

#[test]
fn what_was_compressed_comes_back() {
    let data = text(3 << 20);
    for more in [
        &[][..],
        &[("level", json!(-5))],
        &[("level", json!(19))],
        &[("checksum", json!(true)), ("content_size", json!(false))],
        &[("window_log", json!(12))],
        &[("window_log", json!(27)), ("long_distance", json!(true))],
    ] {
        let frame = compressed(&data, more);
        assert!(frame.len() < data.len(), "{more:?}: {}", frame.len());
        let answer = call(&decompress(), &[&frame]).unwrap();
        assert_eq!(
            answer.head,
            json!({"is_done": true, "consumed": frame.len()})
        );
        assert!(part(answer) == data, "{more:?}");
    }
    assert_eq!(
        part(call(&decompress(), &[&compressed(b"", &[])]).unwrap()),
        b""
    );
    // Another implementation reads it.
    assert_eq!(
        zstd::bulk::decompress(&compressed(&data, &[]), 4 << 20).unwrap(),
        data
    );
    for (name, value) in [
        ("level", json!(23)),
        ("window_log", json!(28)),
        ("window_log", json!(9)),
    ] {
        let refusal = call(&compressing(&[(name, value)]), &[b"x"]).unwrap_err();
        assert!(
            refusal.to_string().contains("is not in the range"),
            "{refusal}"
        );
    }
}

#[test]
fn a_frame_needs_the_dictionary_that_it_was_made_with() {
    let dictionary = text(10_000);
    let data = dictionary[2_000..6_000].to_vec();
    let frame = part(call(&compressing(&[]), &[&data, &dictionary]).unwrap());
    assert!(frame.len() < 100, "{}", frame.len());
    let with = call(&decompress(), &[&frame, &dictionary]).unwrap();
    assert_eq!(part(with), data);
    assert!(call(&decompress(), &[&frame]).is_err());
}

#[test]
fn a_content_is_read_window_by_window() {
    let data = text(700_000);
    let frame = compressed(&data, &[]);
    let more = [&frame[..], b"what follows"].concat();
    let mut read = Vec::new();
    for turn in 0.. {
        let request = json!({
            "name": "zstd.decompress", "skip": read.len(), "most": 300_000,
        });
        let answer = call(&request, &[&more]).unwrap();
        let is_done = answer.head["is_done"] == json!(true);
        assert_eq!(is_done, turn == 2);
        if is_done {
            assert_eq!(answer.head["consumed"], json!(frame.len()));
        }
        read.extend(part(answer));
        if is_done {
            break;
        }
    }
    assert!(read == data);
    let beyond = json!({"name": "zstd.decompress", "skip": 1_u64 << 40, "most": 10});
    assert_eq!(part(call(&beyond, &[&frame]).unwrap()), b"");
}

#[test]
fn frames_that_are_cut_or_wrong_are_refused() {
    let data = text(2_000);
    let frame = compressed(&data, &[("checksum", json!(true))]);
    assert!(call(&decompress(), &[&frame]).is_ok());
    for end in 0..frame.len() {
        let refusal = call(&decompress(), &[&frame[..end]]).unwrap_err();
        assert!(matches!(refusal, Refusal::CutOff), "{end}: {refusal}");
    }
    let mut unseen = 0;
    for at in 0..frame.len() {
        let mut wrong = frame.clone();
        wrong[at] ^= 0x10;
        match call(&decompress(), &[&wrong]) {
            Ok(answer) => unseen += u32::from(part(answer) != data),
            Err(Refusal::Damaged(_) | Refusal::CutOff | Refusal::OutputBytes { .. }) => {}
            Err(other) => panic!("{at}: {other}"),
        }
    }
    assert_eq!(unseen, 0, "the checksum sees them");
}

#[test]
fn a_bomb_is_refused_where_its_bound_is() {
    let bounds = Bounds {
        bytes_max: 1 << 20,
        working_bytes_max: 256 << 20,
        work_max: None,
    };
    let within = compressed(&vec![0; 1 << 20], &[]);
    let past = compressed(&vec![0; (1 << 20) + 1], &[]);
    assert!(call_within(bounds, &decompress(), &[&within]).is_ok());
    assert!(matches!(
        call_within(bounds, &decompress(), &[&past]),
        Err(Refusal::OutputBytes { .. })
    ));
    // 32 MiB in a few hundred bytes, and a size that it does not have.
    let bomb = compressed(&vec![0; 32 << 20], &[]);
    assert!(bomb.len() < 8_192);
    assert!(matches!(
        call_within(bounds, &decompress(), &[&bomb]),
        Err(Refusal::OutputBytes { .. })
    ));
    let mut forged = compressed(b"abc", &[]);
    assert_eq!(forged[4], 0x20, "a single segment, its size in a byte");
    forged[5] = 255;
    assert!(call(&decompress(), &[&forged]).is_err());
    // A window of 3.75 TiB, and one of 256 MiB.
    for window in [0xff, 18 << 3] {
        let header = [&[0x28, 0xb5, 0x2f, 0xfd, 0, window][..], &[1, 0, 0]].concat();
        let refusal = call(&decompress(), &[&header]).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Damaged(_)),
            "{window}: {refusal}"
        );
    }
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 1, 0, 0];
    assert_eq!(part(call(&decompress(), &[&header]).unwrap()), b"");
    let bounds = Bounds {
        working_bytes_max: 64 << 20,
        ..WIDE
    };
    assert!(matches!(
        call_within(bounds, &decompress(), &[&header]),
        Err(Refusal::WorkingBytes { .. })
    ));
}

#[test]
fn both_ways_are_left_when_the_turn_is_to_end() {
    let data = text(8 << 20);
    let slow = compressing(&[("level", json!(19))]);
    let (answer, looks) = call_until(3, &slow, &[&data]);
    assert_eq!((answer, looks), (Err(Refusal::Interrupted), 4));
    let bomb = compressed(&vec![0; 64 << 20], &[]);
    let endless = json!({"name": "zstd.decompress", "skip": 1_u64 << 60, "most": 1});
    let (answer, looks) = call_until(3, &endless, &[&bomb]);
    assert_eq!((answer, looks), (Err(Refusal::Interrupted), 4));
}
