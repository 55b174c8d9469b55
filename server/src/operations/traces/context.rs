//! Where a request stands in a trace, as the header `traceparent` of W3C tells it.

use crate::random;

/// A place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceContext {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    /// Whether whoever asks records the trace.
    pub(crate) is_sampled: bool,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) at: TraceContext,
    /// The span that asked for it.
    pub(crate) parent: Option<u64>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) began_ns: u128,
    pub(crate) ended_ns: u128,
}

impl TraceContext {
    /// Reads a header; none for one that is none, which counts as absent.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let (version, trace) = (parts.next()?, parts.next()?);
        let (span, flags) = (parts.next()?, parts.next()?);
        // Later versions may have more parts, this one has not.
        let is_known = version.len() == 2 && version != "ff";
        if !is_known || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let _version = hex(version, 2)?;
        let trace = hex(trace, 32).filter(|trace| *trace != 0)?;
        let span = hex(span, 16).filter(|span| *span != 0)?;
        let flags = hex(flags, 2)?;
        Some(Self {
            trace,
            span: u64::try_from(span).ok()?,
            is_sampled: flags & 1 == 1,
        })
    }

    /// The place of a request that is asked for from here; of one that nobody traces, a
    /// trace of its own.
    pub(crate) fn below(asked: Option<Self>) -> Option<Self> {
        let mut bytes = [0; 24];
        random::fill(&mut bytes).ok()?;
        let (own, span) = bytes.split_first_chunk::<16>()?;
        let span = u64::from_le_bytes(span.try_into().ok()?).max(1);
        Some(match asked {
            Some(asked) => Self { span, ..asked },
            None => Self {
                trace: u128::from_le_bytes(*own).max(1),
                span,
                is_sampled: true,
            },
        })
    }

    /// The header.
    pub(crate) fn header(self) -> String {
        let flags = u8::from(self.is_sampled);
        format!("00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

/// A number of so many hexadecimal digits in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_number = text.len() == digits
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_number
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_the_specification_has_them() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = TraceContext::parse(good).unwrap();
        assert_eq!((read.span, read.is_sampled), (0xb7ad_6b71_6920_3331, true));
        assert_eq!(read.header(), good);
        assert!(
            TraceContext::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more")
                .is_some()
        );
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_request_is_part_of_the_trace_that_asks_for_it() {
        let asked = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        let below = TraceContext::below(asked).unwrap();
        assert_eq!(below.trace, asked.unwrap().trace);
        assert_ne!(below.span, asked.unwrap().span);
        assert!(!below.is_sampled);
        let own = TraceContext::below(None).unwrap();
        assert!(own.is_sampled && own.trace != below.trace);
    }
}
