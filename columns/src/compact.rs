//! Just enough of Thrift's compact protocol to see what a Parquet file states.

/// Deepest nesting of structs and lists.
const DEPTH_MAX: usize = 32;

/// A value's type on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    pub(super) const I32: Self = Self(5);
    pub(super) const BINARY: Self = Self(8);
    pub(super) const LIST: Self = Self(9);
    pub(super) const STRUCT: Self = Self(12);
}

/// Reads values one after the other; `None` is the end, or nonsense.
#[derive(Debug, Clone)]
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The fields of a struct, each of which `read` must consume.
    pub(super) fn fields(
        &mut self,
        mut read: impl FnMut(&mut Self, i64, Kind) -> Option<()>,
    ) -> Option<()> {
        let mut id = 0_i64;
        loop {
            let header = self.byte()?;
            let kind = Kind(header & 0x0f);
            if kind.0 == 0 {
                return Some(());
            }
            id = match header >> 4 {
                0 => self.integer()?,
                delta => id.checked_add(i64::from(delta))?,
            };
            read(self, id, kind)?;
        }
    }

    /// A number of type `i16`, `i32` or `i64`.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    /// The length of a list and the type of what is in it. A list is no longer
    /// than what is left to read.
    pub(super) fn list(&mut self) -> Option<(usize, Kind)> {
        let header = self.byte()?;
        let length = match header >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            short => usize::from(short),
        };
        let left = self.bytes.len().checked_sub(self.at)?;
        (length <= left).then_some((length, Kind(header & 0x0f)))
    }

    /// A text, or other bytes.
    pub(super) fn binary(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let begin = self.at;
        self.advance(length)?;
        self.bytes.get(begin..self.at)
    }

    /// Passes over a value.
    pub(super) fn skip(&mut self, kind: Kind) -> Option<()> {
        self.skip_within(kind, DEPTH_MAX)
    }

    fn skip_within(&mut self, kind: Kind, depth: usize) -> Option<()> {
        let inner = depth.checked_sub(1)?;
        match kind.0 {
            1 | 2 => Some(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(drop),
            7 => self.advance(8),
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.advance(length)
            }
            9 | 10 => {
                let (length, kind) = self.list()?;
                (0..length).try_for_each(|_| self.skip_item(kind, inner))
            }
            11 => {
                let length = self.varint()?;
                if length == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                for _ in 0..length {
                    self.skip_item(Kind(kinds >> 4), inner)?;
                    self.skip_item(Kind(kinds & 0x0f), inner)?;
                }
                Some(())
            }
            12 => self.fields(|reader, _, kind| reader.skip_within(kind, inner)),
            _ => None,
        }
    }

    /// In lists, a truth value takes a byte; in structs it is in its type.
    fn skip_item(&mut self, kind: Kind, depth: usize) -> Option<()> {
        match kind.0 {
            1 | 2 => self.advance(1),
            _ => self.skip_within(kind, depth),
        }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn advance(&mut self, length: usize) -> Option<()> {
        let end = self.at.checked_add(length)?;
        self.at = (end <= self.bytes.len()).then_some(end)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_read_and_passed_over() {
        // 1: i32 = -3, 2: binary "ab", 3: list<i32> [1, 2], 20: struct { 1: true }
        let bytes = [
            0x15, 0x05, 0x18, 0x02, b'a', b'b', 0x19, 0x25, 0x02, 0x04, 0x0c, 0x28, 0x11, 0x00,
            0x00, 0xff,
        ];
        let mut reader = Compact::new(&bytes);
        let mut seen = Vec::new();
        let read = reader.fields(|reader, id, kind| {
            seen.push(id);
            if id == 1 {
                assert_eq!(reader.integer(), Some(-3));
                return Some(());
            }
            reader.skip(kind)
        });
        assert_eq!(read, Some(()));
        assert_eq!(seen, [1, 2, 3, 20]);
        assert_eq!(reader.position(), bytes.len() - 1);
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = vec![0x1c; 10_000];
        assert_eq!(Compact::new(&deep).skip(Kind::STRUCT), None);
        let lists = vec![0x19; 10_000];
        assert_eq!(Compact::new(&lists).skip(Kind::LIST), None);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = Compact::new(&bytes);
            let _ended = reader.skip(Kind::STRUCT);
            prop_assert!(reader.position() <= bytes.len());
        }
    }
}
