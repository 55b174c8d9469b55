//! One call of a native in a small room, and what holds of every answer.

use memex_natives::{Bounds, Room, answer};

const BOUNDS: Bounds = Bounds {
    bytes_max: 4 << 20,
    working_bytes_max: 64 << 20,
    work_max: Some(10_000_000_000),
};

/// The only part of the answer, or nothing where the native refuses, with a reason.
pub fn call(head: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let room = Room::new(BOUNDS, &|| false);
    let answer = match answer(head.as_bytes(), &[bytes], |_| true, &room) {
        Ok(answer) => answer,
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            return None;
        }
    };
    assert_eq!(answer.parts.len(), 1, "parts");
    let part = answer.parts.into_iter().next()?;
    assert!(part.len() as u64 <= BOUNDS.bytes_max);
    let sizes = (
        answer.head["width"].as_u64(),
        answer.head["height"].as_u64(),
    );
    if let (Some(width), Some(height)) = sizes {
        // A smaller image was asked for, or as many bytes as there are channels.
        let pixels = (width * height) as usize;
        assert!(
            part.len() <= 4 * pixels,
            "{width} × {height}: {}",
            part.len()
        );
    }
    Some(part)
}
