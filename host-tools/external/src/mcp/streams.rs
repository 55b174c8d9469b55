//! The standard streams of a server: lines of bounded length, and its log.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::super::trees::message_tree_max;
use super::guarded::{Breach, Breached};
use memex_host_tools::TreeSize;
use memex_scrubbing::Scrubber;

/// The longest line of a server's log that is kept whole.
const LOG_LINE_MAX_BYTES: usize = 4 << 10;
/// How many lines of a server's log are kept for error messages.
const LOG_LINES_MAX: usize = 10;

/// A stream of JSON that breaks off when a line grows too long, or its values too large.
pub(super) struct BoundedLines<R> {
    inner: R,
    maximum: usize,
    tree_max: usize,
    line: usize,
    tree: TreeSize,
    breached: Breached,
}

impl<R> BoundedLines<R> {
    /// The stream, which says there why it was broken off.
    pub(super) fn new(inner: R, maximum: usize, breached: Breached) -> Self {
        Self {
            inner,
            maximum,
            tree_max: message_tree_max(maximum),
            line: 0,
            tree: TreeSize::default(),
            breached,
        }
    }

    fn count(&mut self, bytes: &[u8]) -> Result<(), Breach> {
        for (at, piece) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if at > 0 {
                (self.line, self.tree) = (0, TreeSize::default());
            }
            self.line = self.line.saturating_add(piece.len());
            self.tree.push(piece);
            if self.line > self.maximum {
                return Err(Breach::Long(self.maximum));
            }
            if self.tree.bytes() > self.tree_max {
                return Err(Breach::Large(self.tree_max));
            }
        }
        Ok(())
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for BoundedLines<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        match self.count(read) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(breach) => {
                let _ = self.breached.set(breach);
                Poll::Ready(Err(io::Error::other(breach)))
            }
        }
    }
}

/// The end of a server's log.
#[derive(Default)]
pub(super) struct Log {
    lines: Mutex<VecDeque<String>>,
}

impl Log {
    /// The last lines, as one text.
    pub(super) fn text(&self) -> String {
        let lines = self.lines.lock();
        lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Passes what the server writes on to the host's log, until it ends.
    pub(super) async fn follow(
        &self,
        server: &str,
        mut stream: impl AsyncRead + Unpin,
        scrubber: &Scrubber,
    ) {
        let mut buffer = vec![0; LOG_LINE_MAX_BYTES];
        let mut line = Vec::new();
        let held_max = LOG_LINE_MAX_BYTES + scrubber.margin();
        while let Ok(read) = stream.read(&mut buffer).await {
            if read == 0 {
                break;
            }
            for byte in buffer.iter().take(read) {
                if *byte == b'\n' {
                    self.push(server, &mut line, scrubber);
                } else if line.len() < held_max {
                    line.push(*byte);
                }
            }
        }
        self.push(server, &mut line, scrubber);
    }

    fn push(&self, server: &str, line: &mut Vec<u8>, scrubber: &Scrubber) {
        if line.trim_ascii().is_empty() {
            line.clear();
            return;
        }
        let end = line.len().min(LOG_LINE_MAX_BYTES);
        // As a part of what is there: half a secret would not be found.
        let kept = scrubber.clean_part(line, 0..end);
        let kept = kept.as_deref().or(line.get(..end)).unwrap_or_default();
        let text = String::from_utf8_lossy(kept).into_owned();
        line.clear();
        tracing::info!(target: "memex::mcp", server, "{text}");
        let mut lines = self.lines.lock();
        if lines.len() == LOG_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::{LOG_LINE_MAX_BYTES, Log};
    use memex_scrubbing::{Scrubber, parts};

    /// Of a line that is cut off, half a secret could be left, and come to stand
    /// within its bound once those before it have become shorter.
    #[tokio::test]
    async fn a_line_that_is_cut_off_holds_no_half_of_a_secret() {
        let secret = "plain-token-".to_owned() + &"0123456789".repeat(5);
        let scrubber = Scrubber::new([("[secret]".to_owned(), parts(&secret))]);
        for before in 0..secret.len() {
            let line = "-".repeat(before) + &format!("{secret},").repeat(2_000);
            assert!(line.len() > 4 * LOG_LINE_MAX_BYTES);
            let log = Log::default();
            log.follow("server", line.as_bytes(), &scrubber).await;
            let text = log.text();
            let left = text.replace("[secret]", "");
            assert!(text.contains("[secret],"), "{text}");
            assert!(left.trim_matches(['-', ',']).is_empty(), "{before}: {left}");
        }
    }
}
