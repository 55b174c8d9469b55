//! Pictures that a model is shown, within bounds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memex_host_tools::PART_KEY;
use memex_models::Image;
use memex_trajectories::{Display, Encoding};
use serde_json::Value;

use crate::ObservationOptions;

/// Parts of a result that are looked at.
const PARTS_MAX: usize = 64;

/// The media type of a picture that providers take, by its first bytes.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}

/// The pictures among the binary parts that a tool's result refers to.
pub(crate) fn pictures_in(result: &Value, parts: &[Vec<u8>]) -> Vec<Display> {
    let mut named = Vec::new();
    references(result, &mut named);
    named.sort_unstable();
    named.dedup();
    let bytes = named.into_iter().filter_map(|index| parts.get(index));
    bytes
        .filter_map(|bytes| {
            Some(Display {
                media_type: media_type(bytes)?.to_owned(),
                encoding: Encoding::Base64,
                data: STANDARD.encode(bytes),
                title: None,
            })
        })
        .collect()
}

/// The parts that a value names, but for those of tables. An answer is nested no deeper than
/// the broker lets through.
fn references(value: &Value, named: &mut Vec<usize>) {
    if named.len() >= PARTS_MAX {
        return;
    }
    match value {
        Value::Array(values) => values.iter().for_each(|value| references(value, named)),
        Value::Object(map) => match map.get(PART_KEY).and_then(Value::as_u64) {
            Some(index) if map.len() == 1 => named.extend(usize::try_from(index)),
            _ => map.values().for_each(|value| references(value, named)),
        },
        _ => {}
    }
}

/// The pictures that a model is shown, of those that there are: none if it cannot see, and no
/// more and no larger ones than the options say. A line says what is not shown.
pub(crate) fn visible(
    displays: &[Display],
    options: &ObservationOptions,
) -> (Vec<Image>, Option<String>) {
    if options.pictures != Some(true) {
        return (Vec::new(), None);
    }
    let is_picture = |display: &&Display| {
        let kinds = ["image/png", "image/jpeg", "image/gif", "image/webp"];
        display.encoding == Encoding::Base64 && kinds.contains(&display.media_type.as_str())
    };
    let all: Vec<&Display> = displays.iter().filter(is_picture).collect();
    let fits = |display: &&&Display| bytes_of(display) <= options.picture_bytes;
    let shown: Vec<Image> = all
        .iter()
        .filter(fits)
        .take(options.pictures_max)
        .map(|display| Image::Data {
            media_type: display.media_type.clone(),
            base64: display.data.clone(),
        })
        .collect();
    let left_out = all.len().saturating_sub(shown.len());
    let note = (left_out > 0).then(|| {
        format!(
            "({} of {} pictures are shown: at most {} at a time, of at most {} bytes each)",
            shown.len(),
            all.len(),
            options.pictures_max,
            options.picture_bytes,
        )
    });
    (shown, note)
}

fn bytes_of(display: &Display) -> usize {
    display.data.len() / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pictures_are_known_by_their_bytes_and_bounded() {
        let png = |bytes: usize| {
            let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
            picture.resize(bytes, 0);
            picture
        };
        let parts = vec![
            png(90),
            b"GIF89a".to_vec(),
            b"<svg/>".to_vec(),
            png(9_000),
            png(30),
        ];
        let result = json!({
            "shots": [{ "$part": 0 }, { "$part": 1 }, { "$part": 2 }, { "$part": 3 }, { "$part": 99 }],
            "table": { "$table": { "columns": [{ "data": 4 }] } },
        });
        let found = pictures_in(&result, &parts);
        let kinds: Vec<&str> = found.iter().map(|it| it.media_type.as_str()).collect();
        assert_eq!(kinds, ["image/png", "image/gif", "image/png"]);
        let options = ObservationOptions {
            pictures: Some(true),
            picture_bytes: 1_000,
            ..ObservationOptions::default()
        };
        let (shown, note) = visible(&found, &options);
        assert_eq!(shown.len(), 2);
        assert!(note.is_some_and(|note| note.contains("2 of 3 pictures")));
        let one = ObservationOptions {
            pictures_max: 1,
            ..options
        };
        assert_eq!(visible(&found, &one).0.len(), 1);
        for unseen in [None, Some(false)] {
            let blind = ObservationOptions {
                pictures: unseen,
                ..options
            };
            assert_eq!(visible(&found, &blind), (Vec::new(), None));
        }
    }
}
