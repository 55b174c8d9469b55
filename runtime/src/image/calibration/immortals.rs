//! Making the objects of an image immortal.
//!
//! CPython does not count references to objects whose count is above a bound
//! (PEP 683). An image's objects live as long as its sessions do, so nothing is
//! gained by counting: each count that goes up and down again is a write to the
//! session's copy of a page. What is not written to is shared with the image.

use super::calibrator::Calibrator;
use crate::error::Error;

/// Bits that tell how immortal an object is; below them, references are
/// counted.
const COUNT_BITS: u32 = 28;
/// By how much a count may change while addresses are collected.
const COUNT_DRIFT: u32 = 16;
/// Offset of the class in an object, behind the count.
const CLASS_OFFSET: usize = 4;

impl Calibrator {
    /// A copy of the guest's memory in which its objects are immortal. The
    /// guest itself goes on for a while to tell which they are, and is of no
    /// use as an image afterwards.
    pub(super) fn immortal_memory(&mut self) -> Result<Vec<u8>, Error> {
        let mut image = self.memory.data(&self.store).to_vec();
        let Some(count) = self.immortal_count()? else {
            return Ok(image);
        };
        let addresses = self.ask(memex_guest_python::IMMORTALS)?;
        let live = self.memory.data(&self.store);
        for line in addresses.lines() {
            let address = u32::from_str_radix(line, 16).map_err(|_| {
                Error::Calibration(format!("`{line:.40}` is no address of an object"))
            })?;
            make_immortal(&mut image, live, address as usize, count);
        }
        Ok(image)
    }

    /// The lowest count, of those with one pattern of high bits, that neither
    /// new nor dropped references change. None in a Python that counts always.
    fn immortal_count(&mut self) -> Result<Option<u32>, Error> {
        let address = self.ask("import sys; _probe = object(); sys.stdout.write(f'{id(_probe):x}'); sys.stdout.flush()")?;
        let address = u32::from_str_radix(&address, 16)
            .map_err(|_| Error::Calibration("an object without an address".into()))?;
        let usual = self.word(address)?;
        for bits in 1..1 << (u32::BITS - COUNT_BITS - 1) {
            let count = bits << COUNT_BITS;
            self.set_word(address, count)?;
            self.turn("_held = [_probe] * 3")?;
            let taken = self.word(address)?;
            self.turn("del _held")?;
            let dropped = self.word(address)?;
            self.set_word(address, usual)?;
            if (taken, dropped) == (count, count) {
                return Ok(Some(count));
            }
        }
        Ok(None)
    }
}

/// Makes the object at an address immortal if there is one in the image. An
/// object made since has another class or, where the image has a free block
/// with the address of the next, another count.
fn make_immortal(image: &mut [u8], live: &[u8], address: usize, immortal: u32) {
    let (Some(count), Some(count_since)) = (word(image, address), word(live, address)) else {
        return;
    };
    let class = address.saturating_add(CLASS_OFFSET);
    let is_same = word(image, class) == word(live, class)
        && count != 0
        && count >> COUNT_BITS == 0
        && count.abs_diff(count_since) <= COUNT_DRIFT;
    if is_same && let Some(bytes) = image.get_mut(address..address + size_of::<u32>()) {
        bytes.copy_from_slice(&immortal.to_le_bytes());
    }
}

fn word(memory: &[u8], address: usize) -> Option<u32> {
    let bytes = memory.get(address..address.checked_add(size_of::<u32>())?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::make_immortal;

    const IMMORTAL: u32 = 4 << 28;
    const CLASS: u32 = 0x1900_0000;

    fn object(count: u32, class: u32) -> Vec<u8> {
        [count.to_le_bytes(), class.to_le_bytes()].concat()
    }

    #[test]
    fn only_objects_that_the_image_has_are_made_immortal() {
        let free_block = object(0x0190_1234, CLASS);
        for (image, live, expected) in [
            (object(3, CLASS), object(3, CLASS), IMMORTAL),
            (object(3, CLASS), object(9, CLASS), IMMORTAL),
            // It is immortal, in the way of its kind.
            (object(7 << 28, CLASS), object(7 << 28, CLASS), 7 << 28),
            // Made since: in a free block, the last one, of another class.
            (free_block, object(1, CLASS), 0x0190_1234),
            (object(0, CLASS), object(1, CLASS), 0),
            (object(3, CLASS), object(3, CLASS + 64), 3),
        ] {
            let mut memory = image;
            make_immortal(&mut memory, &live, 0, IMMORTAL);
            let (count, class) = memory.split_at(4);
            assert_eq!(count, expected.to_le_bytes());
            assert_eq!(class, &object(0, CLASS)[4..], "classes stay");
        }
        let mut memory = object(3, CLASS);
        for outside in [1, 5, 8, usize::MAX] {
            make_immortal(&mut memory, &object(3, CLASS), outside, IMMORTAL);
        }
        assert_eq!(memory, object(3, CLASS));
    }
}
