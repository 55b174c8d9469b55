//! Bounds-checked access to the guest's memory.

use super::failure::Failure;
use crate::interrupt::InterruptAddresses;
use memex_filesystem::Errno;
use std::ops::Range;

/// Most buffers of one vectored read or write.
const VECTORS_MAX: u32 = 1024;

/// The guest's linear memory during one host function.
///
/// Only what nobody else writes is lent: a part with one of the words where the
/// watchdog stores interrupts would change between a check and its use.
pub(super) struct Bytes<'a> {
    bytes: &'a mut [u8],
    shared: Option<InterruptAddresses>,
}

impl<'a> Bytes<'a> {
    /// The memory, without the words at which another thread stores interrupts.
    pub(super) fn new(bytes: &'a mut [u8], shared: Option<InterruptAddresses>) -> Self {
        Self { bytes, shared }
    }

    pub(super) fn slice(&self, pointer: i32, length: i32) -> Result<&[u8], Failure> {
        let range = self.range(pointer, length)?;
        self.bytes.get(range).ok_or(Failure::Fault)
    }

    pub(super) fn slice_mut(&mut self, pointer: i32, length: i32) -> Result<&mut [u8], Failure> {
        let range = self.range(pointer, length)?;
        self.bytes.get_mut(range).ok_or(Failure::Fault)
    }

    /// A part to be written, and parts beside it to be read, if all of them may be lent.
    pub(super) fn apart<const N: usize>(
        &mut self,
        written: Range<usize>,
        read: [Range<usize>; N],
    ) -> Option<(&mut [u8], [&[u8]; N])> {
        let shared = self.shared.as_ref();
        let is_lent = |part: &Range<usize>| {
            part.start <= part.end && !shared.is_some_and(|words| words.is_in(part))
        };
        if !is_lent(&written) || !read.iter().all(is_lent) || written.end > self.bytes.len() {
            return None;
        }
        let (before, rest) = self.bytes.split_at_mut_checked(written.start)?;
        let (part, after) = rest.split_at_mut_checked(written.len())?;
        let (before, after): (&[u8], &[u8]) = (before, after);
        let mut parts = [&[][..]; N];
        for (part, range) in parts.iter_mut().zip(read) {
            *part = match range.start.checked_sub(written.end) {
                Some(start) => after.get(start..start.checked_add(range.len())?)?,
                None => before.get(range)?,
            };
        }
        Some((part, parts))
    }

    /// A range of addresses that may be lent: guest pointers and lengths are unsigned.
    fn range(&self, pointer: i32, length: i32) -> Result<Range<usize>, Failure> {
        let start = pointer as u32 as usize;
        let end = start
            .checked_add(length as u32 as usize)
            .ok_or(Failure::Fault)?;
        let range = start..end;
        match &self.shared {
            Some(words) if words.is_in(&range) => Err(Failure::Fault),
            _ => Ok(range),
        }
    }

    /// A path. Longer than any path may be: the file system says so, from the
    /// first bytes past the bound.
    pub(super) fn path(&self, pointer: i32, length: i32) -> Result<&[u8], Failure> {
        self.slice(pointer, length)
    }

    pub(super) fn read_u32(&self, pointer: i32) -> Result<u32, Failure> {
        let bytes = self.slice(pointer, 4)?;
        Ok(u32::from_le_bytes(
            bytes.try_into().map_err(|_| Failure::Fault)?,
        ))
    }

    pub(super) fn read_u64(&self, pointer: i32) -> Result<u64, Failure> {
        let bytes = self.slice(pointer, 8)?;
        Ok(u64::from_le_bytes(
            bytes.try_into().map_err(|_| Failure::Fault)?,
        ))
    }

    pub(super) fn write(&mut self, pointer: i32, bytes: &[u8]) -> Result<(), Failure> {
        let length = i32::try_from(bytes.len()).map_err(|_| Failure::Fault)?;
        self.slice_mut(pointer, length)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn write_u32(&mut self, pointer: i32, value: u32) -> Result<(), Failure> {
        self.write(pointer, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, pointer: i32, value: u64) -> Result<(), Failure> {
        self.write(pointer, &value.to_le_bytes())
    }

    /// The `index`-th buffer of a vector of (pointer, length) pairs.
    pub(super) fn vector(&self, vectors: i32, index: u32) -> Result<(i32, i32), Failure> {
        let at = (vectors as u32)
            .checked_add(index * 8)
            .ok_or(Failure::Fault)? as i32;
        let pointer = self.read_u32(at)?;
        let length = self.read_u32(at.wrapping_add(4))?;
        Ok((pointer as i32, length as i32))
    }
}

/// The number of buffers in a vector, if it is within the bound.
pub(super) fn vector_count(count: i32) -> Result<u32, Failure> {
    let count = count as u32;
    if count > VECTORS_MAX {
        Err(Errno::Inval.into())
    } else {
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;
    use crate::interrupt::InterruptAddresses;

    #[test]
    fn nothing_is_lent_that_another_thread_writes() {
        let words = InterruptAddresses {
            flag: 16,
            exception: 32,
            events: 48,
            events_bit: 8,
            timeout_error: 64,
            keyboard_interrupt: 80,
        };
        let mut memory = [0; 128];
        let mut bytes = Bytes::new(&mut memory, Some(words));
        for word in [16, 32, 48] {
            for (pointer, length) in [(word, 4), (word - 3, 4), (word + 3, 8), (0, 128)] {
                let told = format!("{length} bytes at {pointer}");
                assert!(bytes.slice(pointer, length).is_err(), "{told}");
                assert!(bytes.slice_mut(pointer, length).is_err(), "{told}");
                assert!(bytes.path(pointer, length).is_err(), "{told}");
            }
            assert!(bytes.read_u32(word).is_err() && bytes.write_u64(word - 7, 1).is_err());
            assert!(bytes.vector(word - 8, 0).is_ok() && bytes.vector(word - 8, 1).is_err());
            // Beside them, all is lent.
            assert!(bytes.slice(word - 4, 4).is_ok() && bytes.slice_mut(word + 4, 8).is_ok());
        }
        // A part to be written overlaps none to be read, and none of them a word.
        assert!(bytes.apart(84..100, [100..128, 52..84]).is_some());
        for (written, read) in [
            (84..100, 99..128),
            (84..100, 52..85),
            (84..100, 84..100),
            (84..100, 17..18),
            (30..34, 100..128),
            (84..100, 100..129),
            (120..129, 0..4),
        ] {
            let told = format!("{written:?} and {read:?}");
            let parts: [std::ops::Range<usize>; 1] = [read];
            assert!(bytes.apart(written, parts).is_none(), "{told}");
        }
        // Nobody writes while no turn runs.
        assert!(Bytes::new(&mut memory, None).slice(0, 128).is_ok());
    }
}
