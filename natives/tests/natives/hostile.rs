//! Files that were made to do harm, or came to harm. Each is refused, or read within
//! its bounds; the same file unharmed is read.

use super::images::{HEIGHT, WIDTH, data};
use super::{WIDE, call, call_until, call_within, part};
use memex_natives::{Bounds, Refusal};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn jpeg() -> Value {
    json!({"name": "jpeg.decode", "layout": "RGB"})
}

fn webp() -> Value {
    json!({"name": "webp.decode"})
}

const FILES: &[(&str, &[u8])] = &[
    ("baseline.jpg", data!("baseline.jpg")),
    ("progressive.jpg", data!("progressive.jpg")),
    ("lossy.webp", data!("lossy.webp")),
    ("lossless.webp", data!("lossless.webp")),
    ("alpha.webp", data!("alpha.webp")),
    ("moving.webp", data!("moving.webp")),
];

fn decode(name: &str, bytes: &[u8], bounds: Bounds) -> Result<Vec<u8>, Refusal> {
    let request = if name.ends_with("jpg") {
        jpeg()
    } else {
        webp()
    };
    call_within(bounds, &request, &[bytes]).map(part)
}

/// Where the size of a JPEG stands: height, then width.
fn size_at(file: &[u8]) -> usize {
    let is_frame = |pair: &[u8]| pair[0] == 0xff && matches!(pair[1], 0xc0 | 0xc2);
    5 + file.windows(2).position(is_frame).unwrap()
}

fn resized(file: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = size_at(&file);
    file[at..at + 2].copy_from_slice(&height.to_be_bytes());
    file[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn files_that_are_cut_off_are_told_from_whole_ones() {
    for (name, file) in FILES {
        assert!(decode(name, file, WIDE).is_ok(), "{name}");
        for end in 0..file.len() {
            match decode(name, &file[..end], WIDE) {
                Ok(pixels) => assert!(pixels.len() <= WIDTH * HEIGHT * 4, "{name} {end}"),
                Err(Refusal::CutOff | Refusal::Damaged(_) | Refusal::Options(_)) => {}
                Err(other) => panic!("{name} cut at {end}: {other}"),
            }
        }
    }
    let half = &data!("baseline.jpg")[..700];
    let answer = call(&jpeg(), &[half]).unwrap();
    assert_eq!(answer.head["cut_off"], json!(true));
}

#[test]
fn files_with_wrong_bytes_stay_within_their_bounds() {
    let bounds = Bounds {
        bytes_max: 1 << 20,
        working_bytes_max: 16 << 20,
        work_max: None,
    };
    for (name, file) in FILES {
        for at in 0..file.len() {
            for bits in [0xff, 0x80, 0x01, 0x10] {
                let mut wrong = file.to_vec();
                wrong[at] ^= bits;
                let begun = Instant::now();
                if let Ok(pixels) = decode(name, &wrong, bounds) {
                    assert!(pixels.len() as u64 <= bounds.bytes_max);
                }
                let took = begun.elapsed();
                assert!(
                    took < Duration::from_secs(5),
                    "{name} {at} {bits}: {took:?}"
                );
            }
        }
    }
}

#[test]
fn a_forged_size_is_refused_before_anything_is_allocated() {
    let file = resized(data!("baseline.jpg"), 65_500, 65_500);
    let Err(Refusal::OutputBytes { bytes, limit }) = call(&jpeg(), &[&file]) else {
        panic!("it was read");
    };
    assert_eq!((bytes, limit), (65_500 * 65_500 * 3, WIDE.bytes_max));
    // Scaled down it would fit; what it takes meanwhile would not.
    let mut small = jpeg();
    small["scale"] = json!(8);
    let Err(Refusal::OutputBytes { .. } | Refusal::WorkingBytes { .. }) = call(&small, &[&file])
    else {
        panic!("it was read");
    };
    // The same file with a size that is as wrong, and permitted, is read as far as it goes.
    let file = resized(data!("baseline.jpg"), 640, 480);
    let answer = call(&jpeg(), &[&file]).unwrap();
    assert_eq!(answer.head["cut_off"], json!(false), "it has its end");
    assert_eq!(part(answer).len(), 640 * 480 * 3);
}

#[test]
fn what_a_codec_holds_is_bounded_before_it_is_held() {
    let within = |working_bytes_max| Bounds {
        working_bytes_max,
        ..WIDE
    };
    // 12 MiB of pixels; a progressive image holds as many coefficients of two bytes.
    let whole = resized(data!("baseline.jpg"), 2_048, 2_048);
    let gathered = resized(data!("progressive.jpg"), 2_048, 2_048);
    let bounds = within(24 << 20);
    assert!(call_within(bounds, &jpeg(), &[&whole]).is_ok());
    let Err(Refusal::WorkingBytes { bytes, .. }) = call_within(bounds, &jpeg(), &[&gathered])
    else {
        panic!("it was read");
    };
    assert!(call_within(within(bytes), &jpeg(), &[&gathered]).is_ok());
    assert!(call_within(within(bytes - 1), &jpeg(), &[&gathered]).is_err());
    // Four bytes of header make a WebP image of 16,383 pixels a side.
    let mut wide = data!("lossy.webp").to_vec();
    let at = 12 + 8 + 6;
    wide[at..at + 4].copy_from_slice(&[0xff, 0x3f, 0xff, 0x3f]);
    assert!(matches!(
        call(&webp(), &[&wide]),
        Err(Refusal::OutputBytes { .. })
    ));
    wide[at..at + 4].copy_from_slice(&[0xff, 0x0f, 0xff, 0x0f]);
    let bounds = within(128 << 20);
    assert!(matches!(
        call_within(bounds, &webp(), &[&wide]),
        Err(Refusal::WorkingBytes { .. })
    ));
    assert!(call_within(bounds, &webp(), &[data!("lossy.webp")]).is_ok());
}

#[test]
fn a_slow_file_is_left_when_the_turn_is_to_end() {
    let side = 1_500;
    let pixel = |at: usize| {
        [
            (at % 251) as u8,
            (at * at % 241) as u8,
            (at / 7 % 239) as u8,
        ]
    };
    let pixels: Vec<u8> = (0..side * side).flat_map(pixel).collect();
    for is_progressive in [false, true] {
        let request = json!({
            "name": "jpeg.encode", "layout": "RGB", "width": side, "height": side,
            "quality": 95, "subsampling": 0, "progressive": is_progressive, "optimize": false,
            "restart_blocks": 0, "dpi": [0, 0], "tables": null,
        });
        let file = part(call(&request, &[&pixels]).unwrap());
        let (answer, all) = call_until(u64::MAX, &jpeg(), &[&file]);
        assert!(answer.is_ok() && all > 1_000, "{all} looks");
        for looks in [3, all / 2] {
            let (answer, seen) = call_until(looks, &jpeg(), &[&file]);
            assert_eq!(answer, Err(Refusal::Interrupted));
            assert_eq!(seen, looks + 1, "it went on");
        }
    }
}

#[test]
fn writing_is_left_when_the_turn_is_to_end() {
    let pixels = vec![7; 2_000 * 2_000 * 3];
    for more in [
        json!({"progressive": false, "optimize": false}),
        json!({"progressive": true, "optimize": false}),
        json!({"progressive": false, "optimize": true}),
    ] {
        let mut request = json!({
            "name": "jpeg.encode", "layout": "RGB", "width": 2_000, "height": 2_000,
            "quality": 90, "subsampling": 2, "restart_blocks": 0, "dpi": [0, 0], "tables": null,
        });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        let (answer, looks) = call_until(20, &request, &[&pixels]);
        assert_eq!(answer, Err(Refusal::Interrupted), "{more}");
        assert_eq!(looks, 21, "{more}: it went on");
        assert!(call(&request, &[&pixels]).is_ok());
    }
}
