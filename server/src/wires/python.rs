//! What Python and a wire say to each other.

/// A text as Python writes it: a string of JSON is one of Python too, since it
/// escapes quotes, backslashes and control characters the same way, and nothing
/// else.
pub(crate) fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The name of a class without what it lies in, as notebooks have it: an outcome says
/// `Tool.call.<locals>.Ended`.
pub(crate) fn plain_name(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use super::{literal, plain_name};

    #[test]
    fn classes_have_their_last_name() {
        assert_eq!(plain_name("ValueError"), "ValueError");
        assert_eq!(plain_name("Tool.call.<locals>.Ended"), "Ended");
    }

    #[test]
    fn texts_stay_within_their_literals() {
        for text in [
            "'\"\\",
            "a\nb",
            "\"); print(1)",
            "\u{0}\u{7f}",
            "ä\u{2028}😀",
        ] {
            let made = literal(text);
            assert!(!made.contains('\n'), "{made}");
            assert_eq!(serde_json::from_str::<String>(&made).unwrap(), text);
        }
    }
}
