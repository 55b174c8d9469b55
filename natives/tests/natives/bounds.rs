//! What every call is held to, before and after its native.

use super::images::data;
use super::{WIDE, call, call_within};
use memex_natives::{Bounds, FAMILIES, Refusal, Room, answer};
use serde_json::json;

#[test]
fn heads_that_are_no_request_are_refused_in_words() {
    let room = Room::new(WIDE, &|| false);
    for (head, told) in [
        (&b""[..], "EOF"),
        (b"[]", "missing field `name`"),
        (
            b"{\"name\": \"rm\"}",
            "unknown variant `rm`, expected one of `arrow.plain`",
        ),
        (b"{\"name\": \"jpeg.decode\"}", "missing field `layout`"),
        (
            b"{\"name\": \"jpeg.decode\", \"layout\": \"RGB\", \"path\": \"/etc\"}",
            "unknown field `path`",
        ),
        (
            b"{\"name\": \"jpeg.decode\", \"layout\": \"RGB\", \"scale\": -1}",
            "invalid value",
        ),
    ] {
        let refusal = answer(head, &[b""], |_| true, &room).unwrap_err();
        assert!(refusal.to_string().contains(told), "{refusal}");
        assert_eq!(refusal.class(), "ValueError");
    }
    let decode = json!({"name": "jpeg.decode", "layout": "RGB"});
    for parts in [&[][..], &[&b""[..], b""]] {
        assert!(
            call(&decode, parts)
                .unwrap_err()
                .to_string()
                .contains("parts, not 1")
        );
    }
}

#[test]
fn families_are_permitted_one_by_one() {
    let calls = [
        (
            "jpeg",
            json!({"name": "jpeg.decode", "layout": "RGB"}),
            vec![data!("baseline.jpg")],
        ),
        (
            "parquet",
            json!({"name": "arrow.plain"}),
            vec![data!("table.arrows")],
        ),
        (
            "webp",
            json!({"name": "webp.decode"}),
            vec![data!("lossy.webp")],
        ),
        (
            "kdf",
            json!({"name": "kdf.scrypt", "n": 2, "r": 1, "p": 1, "length": 1}),
            vec![b"", b""],
        ),
        (
            "zstd",
            json!({"name": "zstd.decompress"}),
            vec![&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0]],
        ),
    ];
    let mut called: Vec<&str> = calls.iter().map(|(family, ..)| *family).collect();
    called.sort_unstable();
    // Two work on the guest's memory, and are called in another way.
    let families = FAMILIES.iter().copied();
    let families = families.filter(|family| !["matrices", "sorting"].contains(family));
    assert_eq!(called, families.collect::<Vec<_>>());
    for (family, request, parts) in &calls {
        let head = request.to_string();
        let with = |permits: fn(&str, &str) -> bool| {
            let room = Room::new(WIDE, &|| false);
            answer(head.as_bytes(), parts, |name| permits(name, family), &room)
        };
        assert!(with(|name, family| name == family).is_ok(), "{family}");
        let refusal = with(|name, family| name != family).unwrap_err();
        assert!(
            matches!(refusal, Refusal::Denied { .. }),
            "{family}: {refusal}"
        );
        assert_eq!(refusal.class(), "PermissionError");
        assert!(refusal.to_string().contains("hint: "));
    }
}

#[test]
fn inputs_and_outputs_are_bounded_at_a_byte() {
    let file = data!("baseline.jpg");
    let decode = json!({"name": "jpeg.decode", "layout": "RGB"});
    let within = |bytes_max| {
        let bounds = Bounds { bytes_max, ..WIDE };
        call_within(bounds, &decode, &[file])
    };
    let pixels = 48 * 40 * 3;
    assert!(within(pixels).is_ok());
    assert_eq!(
        within(pixels - 1),
        Err(Refusal::OutputBytes {
            bytes: pixels,
            limit: pixels - 1
        })
    );
    let size = file.len() as u64;
    assert_eq!(
        within(size - 1),
        Err(Refusal::InputBytes {
            bytes: size,
            limit: size - 1
        })
    );
    for refusal in [
        within(pixels - 1).unwrap_err(),
        within(size - 1).unwrap_err(),
    ] {
        assert_eq!(refusal.class(), "MemoryError");
        assert_eq!(refusal.limit().unwrap().0, "native_bytes");
        assert!(refusal.to_string().contains("hint: "));
    }
}

#[test]
fn work_is_paid_for_before_it_is_done_whatever_comes_of_it() {
    let work = |name: &str, file: &[u8], work_max| {
        let bounds = Bounds { work_max, ..WIDE };
        let room = Room::new(bounds, &|| false);
        let head = json!({"name": name, "layout": "RGB"}).to_string();
        let result = answer(head.as_bytes(), &[file], |_| true, &room);
        (room.work(), result.map(|_| ()))
    };
    let whole = data!("baseline.jpg");
    let (all, result) = work("jpeg.decode", whole, None);
    assert!(result.is_ok() && all > 48 * 40);
    assert_eq!(work("jpeg.decode", whole, Some(all)), (all, Ok(())));
    assert_eq!(
        work("jpeg.decode", whole, Some(all - 1)),
        (all, Err(Refusal::Fuel))
    );
    let (some, result) = work("jpeg.decode", &whole[..100], None);
    assert!(result.is_err() && some >= 100, "{some}");
}
