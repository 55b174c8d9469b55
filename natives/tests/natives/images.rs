//! Images come out as they went in.

use super::{call, part};
use serde_json::{Value, json};

/// The sample images: made by Pillow 13 with libjpeg-turbo and libwebp from
/// [`sample`].
pub(crate) const WIDTH: usize = 48;
pub(crate) const HEIGHT: usize = 40;

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("../data/", $name)).as_slice()
    };
}
pub(crate) use data;

/// The colours of the sample.
pub(crate) fn sample() -> Vec<u8> {
    let pixel = |at: usize| {
        let (x, y) = (at % WIDTH, at / WIDTH);
        [(x * 5) as u8, (y * 6) as u8, ((x + y) * 2) as u8]
    };
    (0..WIDTH * HEIGHT).flat_map(pixel).collect()
}

fn grey() -> Vec<u8> {
    let light = |pixel: &[u8]| {
        let [red, green, blue] = [0, 1, 2].map(|channel| f64::from(pixel[channel]));
        (0.299 * red + 0.587 * green + 0.114 * blue).round() as u8
    };
    sample().chunks(3).map(light).collect()
}

/// Ink as it stands in a file of Adobe's: what it leaves of the light; no black.
fn inks() -> Vec<u8> {
    sample()
        .chunks(3)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255])
        .collect()
}

fn assert_near(what: &str, found: &[u8], wanted: &[u8], tolerance: u8) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    let worst = found.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst.unwrap() <= tolerance, "{what}: {worst:?}");
}

#[test]
fn jpeg_files_of_other_programs_are_read() {
    for (name, file, layout, pixels, tolerance) in [
        ("baseline", data!("baseline.jpg"), "RGB", sample(), 14),
        ("progressive", data!("progressive.jpg"), "RGB", sample(), 8),
        ("grey", data!("grey.jpg"), "L", grey(), 5),
        ("baseline, grey", data!("baseline.jpg"), "L", grey(), 6),
        ("inks", data!("inks.jpg"), "CMYK", inks(), 8),
    ] {
        let answer = call(&json!({"name": "jpeg.decode", "layout": layout}), &[file]).unwrap();
        assert_eq!(
            answer.head,
            json!({"width": WIDTH, "height": HEIGHT, "cut_off": false}),
            "{name}"
        );
        assert_near(name, &part(answer), &pixels, tolerance);
    }
    let answer = call(
        &json!({"name": "jpeg.decode", "layout": "L"}),
        &[data!("inks.jpg")],
    );
    assert!(
        answer
            .unwrap_err()
            .to_string()
            .contains("cannot be decoded as L")
    );
}

#[test]
fn jpeg_files_are_read_at_a_fraction_of_their_size() {
    for (scale, width, height) in [(1, 48, 40), (2, 24, 20), (4, 12, 10), (8, 6, 5)] {
        let request = json!({"name": "jpeg.decode", "layout": "RGB", "scale": scale});
        let pixels = part(call(&request, &[data!("baseline.jpg")]).unwrap());
        assert_eq!(pixels.len(), width * height * 3, "{scale}");
        // The mean of a gradient is its middle.
        let middle = |length: usize, step: usize| (length / 2 * step) as u8;
        let at = (height / 2 * width + width / 2) * 3;
        assert!(pixels[at].abs_diff(middle(WIDTH, 5)) < 25, "{scale}");
        assert!(pixels[at + 1].abs_diff(middle(HEIGHT, 6)) < 30, "{scale}");
    }
    let request = json!({"name": "jpeg.decode", "layout": "RGB", "scale": 3});
    let refusal = call(&request, &[data!("baseline.jpg")]).unwrap_err();
    assert_eq!(refusal.to_string(), "scale is 1, 2, 4 or 8");
}

pub(crate) fn encoding(layout: &str, more: &[(&str, Value)]) -> Value {
    let mut request = json!({
        "name": "jpeg.encode", "layout": layout, "width": WIDTH, "height": HEIGHT,
        "quality": 95, "subsampling": 0, "progressive": false, "optimize": false,
        "restart_blocks": 0, "dpi": [0, 0], "tables": null,
    });
    for (name, value) in more {
        request[*name] = value.clone();
    }
    request
}

#[test]
fn jpeg_files_are_written_in_every_form() {
    let table: Vec<u16> = vec![2; 64];
    for (layout, pixels, tolerance, more) in [
        ("RGB", sample(), 8, &[][..]),
        ("L", grey(), 5, &[]),
        ("CMYK", inks(), 8, &[]),
        ("RGB", sample(), 8, &[("progressive", json!(true))]),
        ("RGB", sample(), 8, &[("optimize", json!(true))]),
        ("RGB", sample(), 16, &[("subsampling", json!(2))]),
        ("RGB", sample(), 12, &[("subsampling", json!(1))]),
        ("RGB", sample(), 8, &[("restart_blocks", json!(2))]),
        ("RGB", sample(), 6, &[("tables", json!([table]))]),
        ("RGB", sample(), 6, &[("tables", json!([table, table]))]),
    ] {
        let file = part(call(&encoding(layout, more), &[&pixels]).unwrap());
        assert_eq!(
            (&file[..2], &file[file.len() - 2..]),
            (&[0xff, 0xd8][..], &[0xff, 0xd9][..])
        );
        let request = json!({"name": "jpeg.decode", "layout": layout});
        let again = part(call(&request, &[&file]).unwrap());
        assert_near(&format!("{layout} {more:?}"), &again, &pixels, tolerance);
    }
    let small = part(call(&encoding("RGB", &[("quality", json!(5))]), &[&sample()]).unwrap());
    let large = part(call(&encoding("RGB", &[]), &[&sample()]).unwrap());
    assert!(
        small.len() * 3 < large.len() * 2,
        "{} {}",
        small.len(),
        large.len()
    );
    let dense = part(
        call(
            &encoding("RGB", &[("dpi", json!([300, 150]))]),
            &[&sample()],
        )
        .unwrap(),
    );
    // Unit, and both densities, in the first segment.
    assert_eq!(dense[13..18], [1, 1, 44, 0, 150]);
    for (wrong, told) in [
        (
            encoding("RGB", &[("width", json!(47))]),
            "are no image of 47",
        ),
        (encoding("RGB", &[("subsampling", json!(3))]), "0, 1 or 2"),
        (
            encoding("RGB", &[("tables", json!([[1, 2]]))]),
            "64 numbers",
        ),
        (encoding("RGB", &[("tables", json!([]))]), "1 or 2 tables"),
    ] {
        let refusal = call(&wrong, &[&sample()]).unwrap_err();
        assert!(refusal.to_string().contains(told), "{wrong}: {refusal}");
    }
    assert!(call(&encoding("RGB", &[("width", json!(0))]), &[&[]]).is_err());
}

#[test]
fn webp_files_of_other_programs_are_read() {
    for (name, file, has_alpha, tolerance) in [
        ("lossy", data!("lossy.webp"), false, 14),
        ("lossless", data!("lossless.webp"), false, 0),
        ("alpha", data!("alpha.webp"), true, 14),
    ] {
        let answer = call(&json!({"name": "webp.decode"}), &[file]).unwrap();
        let expected = json!({
            "width": WIDTH, "height": HEIGHT, "has_alpha": has_alpha, "durations_ms": [0],
        });
        assert_eq!(answer.head, expected, "{name}");
        let pixels = part(answer);
        let channels = if has_alpha { 4 } else { 3 };
        let colours: Vec<u8> = pixels
            .chunks(channels)
            .flat_map(|pixel| pixel[..3].to_vec())
            .collect();
        assert_near(name, &colours, &sample(), tolerance);
        if has_alpha {
            let alphas: Vec<u8> = pixels.chunks(4).map(|pixel| pixel[3]).collect();
            let wanted = (0..WIDTH * HEIGHT).map(|at| if at % WIDTH < 24 { 255 } else { 128 });
            assert_eq!(alphas, wanted.collect::<Vec<u8>>());
        }
    }
}

#[test]
fn frames_of_an_animation_are_read_in_any_portion() {
    let frames = |first: u64, count: u64| {
        let request = json!({"name": "webp.decode", "first": first, "count": count});
        call(&request, &[data!("moving.webp")])
    };
    let all = frames(0, 3).unwrap();
    assert_eq!(all.head["durations_ms"], json!([40, 60, 80]));
    let all = part(all);
    assert_eq!(all.len(), 3 * 40 * 40 * 4);
    let (first, rest) = all.split_at(40 * 40 * 4);
    assert_ne!(first, &rest[..first.len()]);
    assert_eq!(part(frames(1, 2).unwrap()), rest);
    assert_eq!(part(frames(0, 1).unwrap()), first);
    for (first, count) in [(0, 4), (3, 1), (u64::MAX, 2), (0, 0)] {
        assert!(
            frames(first, count)
                .unwrap_err()
                .to_string()
                .contains("are wanted")
        );
    }
}

#[test]
fn webp_files_are_written_without_loss() {
    let with_alpha: Vec<u8> = sample()
        .chunks(3)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], pixel[0] / 2])
        .collect();
    for (pixels, has_alpha) in [(sample(), false), (with_alpha, true)] {
        let request = json!({
            "name": "webp.encode", "width": WIDTH, "height": HEIGHT, "has_alpha": has_alpha,
        });
        let file = part(call(&request, &[&pixels]).unwrap());
        let again = call(&json!({"name": "webp.decode"}), &[&file]).unwrap();
        assert_eq!(part(again), pixels);
    }
    let wrong = json!({"name": "webp.encode", "width": 1, "height": 1, "has_alpha": true});
    assert!(
        call(&wrong, &[&sample()])
            .unwrap_err()
            .to_string()
            .contains("are no image")
    );
    let wide = json!({"name": "webp.encode", "width": 16_385, "height": 1, "has_alpha": false});
    let refusal = call(&wide, &[&[0; 16_385 * 3]]).unwrap_err();
    assert!(refusal.to_string().contains("16,384"), "{refusal}");
    let large = json!({"name": "webp.encode", "width": 8_192, "height": 2_049, "has_alpha": false});
    let refusal = call(&large, &[&vec![0; 8_192 * 2_049 * 3]]).unwrap_err();
    assert!(refusal.to_string().contains("hint: at most"), "{refusal}");
}
