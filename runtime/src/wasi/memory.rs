//! Bounds-checked access to the guest's memory.

use super::failure::Failure;
use memex_filesystem::Errno;

/// Most buffers of one vectored read or write.
const VECTORS_MAX: u32 = 1024;

/// The guest's linear memory during one host function.
pub(super) struct Bytes<'a> {
    bytes: &'a mut [u8],
}

impl<'a> Bytes<'a> {
    pub(super) fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn slice(&self, pointer: i32, length: i32) -> Result<&[u8], Failure> {
        let (start, end) = range(pointer, length)?;
        self.bytes.get(start..end).ok_or(Failure::Fault)
    }

    pub(super) fn slice_mut(&mut self, pointer: i32, length: i32) -> Result<&mut [u8], Failure> {
        let (start, end) = range(pointer, length)?;
        self.bytes.get_mut(start..end).ok_or(Failure::Fault)
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

/// A range of addresses: guest pointers and lengths are unsigned.
fn range(pointer: i32, length: i32) -> Result<(usize, usize), Failure> {
    let start = pointer as u32 as usize;
    let end = start
        .checked_add(length as u32 as usize)
        .ok_or(Failure::Fault)?;
    Ok((start, end))
}
