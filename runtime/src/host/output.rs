//! Capturing what the guest writes to its standard streams.

use super::limit::LimitHit;

/// One of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// `sys.stdout`.
    Stdout,
    /// `sys.stderr`.
    Stderr,
}

/// Captured output of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The text, as far as the policy keeps it; bytes that are not UTF-8 are
    /// replaced.
    pub text: String,
    /// Bytes that were written in all.
    pub total_bytes: u64,
    /// Whether `text` is cut, with a line at the cut that says so.
    pub truncated: bool,
}

/// Receives output while a turn runs.
///
/// Called on the session's thread with each piece as the guest flushes it: a
/// `print()` of one line is one call. Pieces past the limit are not delivered.
pub trait OutputSink: Send {
    /// One piece of output.
    fn write(&mut self, stream: Stream, bytes: &[u8]);
}

/// The output of the running turn, bounded: the first half of the bound is the
/// output's head, the other half its tail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffer {
    head: Vec<u8>,
    tail: std::collections::VecDeque<u8>,
    limit: usize,
    total: u64,
}

impl Buffer {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            ..Self::default()
        }
    }

    /// Takes bytes and returns how many of them are within the limit.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        let delivered = (self.limit as u64)
            .saturating_sub(self.total)
            .min(bytes.len() as u64);
        self.total += bytes.len() as u64;
        let room = self.limit.saturating_sub(self.head.len());
        let fits = room.min(bytes.len());
        let (head, rest) = bytes.split_at(fits);
        self.head.extend_from_slice(head);
        if !rest.is_empty() {
            let keep = self.tail_bytes();
            let rest = rest.get(rest.len().saturating_sub(keep)..).unwrap_or(rest);
            self.tail.extend(rest);
            let surplus = self.tail.len().saturating_sub(keep);
            self.tail.drain(..surplus);
        }
        delivered as usize
    }

    /// What was kept of the output: its head and its tail.
    pub(crate) fn saved(&self) -> (Vec<u8>, Vec<u8>) {
        (self.head.clone(), self.tail.iter().copied().collect())
    }

    /// Bytes that are kept.
    pub(crate) fn held(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Bytes that were written.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The buffer of a turn that was saved; `None` when it holds more than `limit` allows.
    pub(crate) fn restored(head: Vec<u8>, tail: Vec<u8>, total: u64, limit: u64) -> Option<Self> {
        let mut buffer = Self::new(limit);
        let kept = (head.len() as u64).saturating_add(tail.len() as u64);
        if head.len() > buffer.limit || tail.len() > buffer.tail_bytes() || kept > total {
            return None;
        }
        // A tail without a full head, or output that was cut short, is no buffer.
        if (head.len() < buffer.limit && kept < total)
            || (head.len() < buffer.limit && !tail.is_empty())
        {
            return None;
        }
        buffer.head = head;
        buffer.tail = tail.into();
        buffer.total = total;
        Some(buffer)
    }

    fn tail_bytes(&self) -> usize {
        self.limit / 2
    }

    /// The limit that was passed, if one was.
    pub(crate) fn breach(&self, name: &str) -> Option<LimitHit> {
        (self.total > self.limit as u64).then(|| LimitHit::new(name, self.limit as u64, self.total))
    }

    /// What was captured. Past the limit: the head, a line that says what is
    /// missing, the tail; the three hold no more than the limit and that line.
    pub(crate) fn take(&mut self) -> Captured {
        let total_bytes = std::mem::take(&mut self.total);
        let head = std::mem::take(&mut self.head);
        let tail: Vec<u8> = std::mem::take(&mut self.tail).into();
        if total_bytes <= self.limit as u64 {
            let text = into_text(head);
            return Captured {
                text,
                total_bytes,
                truncated: false,
            };
        }
        let keep = self.limit - self.tail_bytes();
        let mut end: Vec<u8> = head.get(keep..).unwrap_or_default().to_vec();
        end.extend_from_slice(&tail);
        let end = end
            .get(end.len().saturating_sub(self.tail_bytes())..)
            .unwrap_or_default();
        let start = head.get(..keep).unwrap_or(&head);
        let cut = total_bytes.saturating_sub((start.len() + end.len()) as u64);
        let text = format!(
            "{}\n[… {cut} of {total_bytes} bytes cut …]\n{}",
            String::from_utf8_lossy(start),
            String::from_utf8_lossy(end)
        );
        Captured {
            text,
            total_bytes,
            truncated: true,
        }
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::Buffer;

    #[test]
    fn at_the_bound_and_one_past() {
        let mut buffer = Buffer::new(8);
        assert_eq!(buffer.push(b"abcdefgh"), 8);
        assert_eq!(buffer.breach("stdout_bytes"), None);
        let captured = buffer.take();
        assert_eq!(
            (captured.text.as_str(), captured.truncated),
            ("abcdefgh", false)
        );

        assert_eq!(buffer.push(b"abcdefgh"), 8);
        assert_eq!(buffer.push(b"i"), 0);
        assert_eq!(buffer.breach("stdout_bytes").map(|hit| hit.actual), Some(9));
        let captured = buffer.take();
        assert_eq!(captured.text, "abcd\n[… 1 of 9 bytes cut …]\nfghi");
        assert_eq!((captured.total_bytes, captured.truncated), (9, true));
    }

    #[test]
    fn a_flood_keeps_head_and_tail_and_the_true_size() {
        let mut buffer = Buffer::new(10);
        for byte in 0..100_000_u32 {
            buffer.push(&[b'0' + (byte % 10) as u8]);
        }
        let captured = buffer.take();
        assert_eq!(
            captured.text,
            "01234\n[… 99990 of 100000 bytes cut …]\n56789"
        );
        assert_eq!(captured.total_bytes, 100_000);
    }
}
