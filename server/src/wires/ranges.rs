//! Parts of files that clients ask for.

use axum::http::HeaderValue;

/// What a `Range` header means for a file of some length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// There is none, or one that this server ignores, as it may.
    Whole,
    /// From a byte until another, which is not in it.
    Part { from: u64, until: u64 },
    /// The file ends before it begins.
    Unsatisfiable,
}

/// Reads a `Range` header of one range.
pub(crate) fn range_of(value: &HeaderValue, length: u64) -> Range {
    let Some((first, last)) = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().strip_prefix("bytes="))
        .filter(|text| !text.contains(','))
        .and_then(|text| text.split_once('-'))
    else {
        return Range::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (from, until) = match (number(first.trim()), number(last.trim())) {
        (Some(from), Some(last)) if last < from => return Range::Whole,
        (Some(from), Some(last)) => (from, last.saturating_add(1).min(length)),
        (Some(from), None) if last.trim().is_empty() => (from, length),
        // The last bytes.
        (None, Some(count)) if first.trim().is_empty() => (length.saturating_sub(count), length),
        _ => return Range::Whole,
    };
    match from < until {
        true => Range::Part { from, until },
        false => Range::Unsatisfiable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_within_the_file() {
        let part = |from, until| Range::Part { from, until };
        for (value, expected) in [
            ("bytes=0-3", part(0, 4)),
            ("bytes=4-", part(4, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-30", part(0, 10)),
            ("bytes=8-99", part(8, 10)),
            ("bytes=0-99999999999999999999999", part(0, 10)),
            ("bytes=10-", Range::Unsatisfiable),
            ("bytes=-0", Range::Unsatisfiable),
            ("bytes=5-4", Range::Whole),
            ("bytes=0-1,3-4", Range::Whole),
            ("bytes=", Range::Whole),
            ("bytes=a-b", Range::Whole),
            ("bytes=+1-2", Range::Whole),
            ("lines=0-1", Range::Whole),
        ] {
            let header = HeaderValue::from_str(value).unwrap();
            assert_eq!(range_of(&header, 10), expected, "{value}");
        }
    }
}
