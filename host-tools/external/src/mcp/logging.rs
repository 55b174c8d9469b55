//! What servers say for the host's log, as messages.

use std::io::{self, Write};

use serde_json::Value;

use memex_scrubbing::Scrubber;

/// The longest message of a server that goes to the host's log.
const LOG_MESSAGE_MAX_BYTES: usize = 4 << 10;

/// Passes a message on to the host's log.
pub(super) fn log(server: &str, data: &Value, scrubber: &Scrubber) {
    if tracing::enabled!(target: "memex::mcp", tracing::Level::INFO) {
        let text = beginning(data, scrubber);
        tracing::info!(target: "memex::mcp", server, "{text}");
    }
}

/// The beginning of a message for the host's log, without secrets. What follows is not even
/// written.
fn beginning(data: &Value, scrubber: &Scrubber) -> String {
    let mut written = Beginning::new(LOG_MESSAGE_MAX_BYTES + scrubber.margin());
    // It fails once there is enough of it.
    let _ = serde_json::to_writer(&mut written, data);
    let text = written.bytes;
    let end = text.len().min(LOG_MESSAGE_MAX_BYTES);
    // As a part of what is there: half a secret would not be found.
    let kept = scrubber.clean_part(&text, 0..end);
    let kept = kept.as_deref().or(text.get(..end)).unwrap_or_default();
    String::from_utf8_lossy(kept).into_owned()
}

/// The beginning of what is written, of bounded length.
struct Beginning {
    bytes: Vec<u8>,
    maximum: usize,
}

impl Beginning {
    fn new(maximum: usize) -> Self {
        let bytes = Vec::new();
        Self { bytes, maximum }
    }
}

impl Write for Beginning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.maximum.saturating_sub(self.bytes.len());
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.bytes.extend_from_slice(taken);
        // Nothing taken ends the writing.
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Scrubber, beginning};
    use memex_scrubbing::parts;
    use serde_json::json;

    #[test]
    fn a_log_message_that_is_cut_off_holds_no_half_of_a_secret() {
        let secret = "plain-token-".to_owned() + &"0123456789".repeat(5);
        let scrubber = Scrubber::new([("[secret]".to_owned(), parts(&secret))]);
        for before in 0..secret.len() {
            let data = json!(["-".repeat(before), format!("{secret},").repeat(2_000)]);
            let text = beginning(&data, &scrubber);
            let left = text.replace("[secret]", "");
            assert!(text.contains("[secret],"), "{text}");
            assert!(
                !left.contains(|c: char| c.is_ascii_alphanumeric()),
                "{before}: {left}"
            );
        }
    }
}
