//! Work on matrices and sorting that the guest leaves to the host.
//!
//! The guest's own functions begin with a call that has no frame but the address of
//! their arguments; what they are is `Work`. The host works on the guest's memory, in
//! the guest's place: on its clock, its fuel and its deadline. It leaves to the guest
//! what it is not permitted to do, and what it does not understand: then the function
//! goes on as if it had not called.
//!
//! A soft interrupt does not end the work, as it would not end the guest's: code that
//! catches the exception must not see a result that is half done. A hard one does, and
//! the turn is rolled back.

use super::exits::HardInterrupt;
use super::memory::Bytes;
use crate::host::Host;
use bytemuck::Pod;
use memex_guest_python::{Sorted, Work};
use memex_natives::matrices::{Element, Factoring, Product, factor, product};
use memex_natives::sorting::{sort_doubles, sort_singles};
use memex_natives::{Bounds, Refusal, Room};
use std::ops::Range;
use wasmtime::{Caller, Memory, Trap};

/// The answer to a call whose work is the guest's to do.
const LEFT: i32 = -1;
/// Most bytes that the host holds beside the guest's memory.
pub(super) const HELD_BYTES_MAX: u64 = 16 << 20;

/// What came of the work: the guest's answer, if it was done.
pub(super) type Done = Result<Option<i32>, Refusal>;

/// Does the work of a call with these arguments.
pub(super) fn answer(
    caller: &mut Caller<'_, Host>,
    memory: Memory,
    work: Work,
    pointer: i32,
    count: i32,
) -> wasmtime::Result<i32> {
    let fuel = caller.get_fuel().ok();
    let (bytes, host) = memory.data_and_store_mut(&mut *caller);
    let family = match work {
        Work::Product { .. } | Work::Factor { .. } => "matrices",
        Work::Sort(_) => "sorting",
    };
    // Elements are read as they lie in memory.
    if host.apart().is_some() || !host.natives.permits(family) || cfg!(target_endian = "big") {
        return Ok(LEFT);
    }
    let bounds = Bounds {
        bytes_max: u64::MAX,
        working_bytes_max: HELD_BYTES_MAX,
        work_max: fuel,
    };
    let pulse = &host.interrupter.pulse;
    let interrupt = || pulse.is_hard();
    let room = Room::new(bounds, &interrupt);
    let mut bytes = Bytes::new(bytes, pulse.writes());
    let done = done(&mut bytes, work, (pointer, count), &room);
    let paid = room.work();
    if let Some(fuel) = fuel {
        caller.set_fuel(fuel.saturating_sub(paid))?;
    }
    match done {
        Ok(answer) => Ok(answer.unwrap_or(LEFT)),
        Err(Refusal::Fuel) => Err(Trap::OutOfFuel.into()),
        Err(Refusal::Interrupted) => Err(HardInterrupt.into()),
        // Nothing has been done.
        Err(_) => Ok(LEFT),
    }
}

/// Does the work that the arguments at a pointer say, or sorts what lies there.
pub(super) fn done(
    bytes: &mut Bytes<'_>,
    work: Work,
    (pointer, count): (i32, i32),
    room: &Room<'_>,
) -> Done {
    match work {
        Work::Product {
            is_double,
            first_transposed,
            second_transposed,
        } => {
            let turned = (first_transposed, second_transposed);
            match is_double {
                true => multiply::<f64>(bytes, pointer, turned, room),
                false => multiply::<f32>(bytes, pointer, turned, room),
            }
        }
        Work::Factor { is_double: true } => factored::<f64>(bytes, pointer, room),
        Work::Factor { is_double: false } => factored::<f32>(bytes, pointer, room),
        Work::Sort(Sorted::Doubles) => sort(bytes, pointer, count, room, sort_doubles),
        Work::Sort(Sorted::Singles) => sort(bytes, pointer, count, room, sort_singles),
    }
}

/// The arguments of OpenBLAS's functions of matrices (`blas_arg_t`).
struct Arguments<'a, 'b> {
    bytes: &'b Bytes<'a>,
    pointer: i32,
}

impl Arguments<'_, '_> {
    const A: i32 = 0;
    const B: i32 = 4;
    const C: i32 = 8;
    const ALPHA: i32 = 16;
    const BETA: i32 = 20;
    const M: i32 = 24;
    const N: i32 = 28;
    const K: i32 = 32;
    const LDA: i32 = 36;
    const LDB: i32 = 40;
    const LDC: i32 = 44;

    fn address(&self, field: i32) -> Option<u32> {
        self.bytes.read_u32(self.pointer.wrapping_add(field)).ok()
    }

    /// A size or a stride.
    fn size(&self, field: i32) -> Option<usize> {
        let word = self.address(field)?.cast_signed();
        usize::try_from(word).ok()
    }

    /// The number that a field points to; `None` as well if it points nowhere.
    fn number<T: Pod>(&self, field: i32) -> Option<T> {
        let pointer = self.address(field).filter(|pointer| *pointer != 0)?;
        let size = i32::try_from(size_of::<T>()).ok()?;
        let bytes = self.bytes.slice(pointer.cast_signed(), size).ok()?;
        bytemuck::try_pod_read_unaligned(bytes).ok()
    }

    /// Where a matrix of this many elements lies.
    fn place<T>(&self, field: i32, elements: usize) -> Option<Range<usize>> {
        place::<T>(self.address(field)?, elements)
    }
}

/// Where this many elements lie from an address on.
fn place<T>(address: u32, elements: usize) -> Option<Range<usize>> {
    let start = address as usize;
    let size = elements.checked_mul(size_of::<T>())?;
    Some(start..start.checked_add(size)?)
}

fn multiply<T: Element>(
    bytes: &mut Bytes<'_>,
    pointer: i32,
    (first_transposed, second_transposed): (bool, bool),
    room: &Room<'_>,
) -> Done {
    let arguments = Arguments { bytes, pointer };
    let read = || {
        let asked = Product {
            rows: arguments.size(Arguments::M)?,
            columns: arguments.size(Arguments::N)?,
            inner: arguments.size(Arguments::K)?,
            first_transposed,
            second_transposed,
            alpha: arguments.number::<T>(Arguments::ALPHA)?,
            beta: match arguments.address(Arguments::BETA)? {
                0 => T::ONE,
                _ => arguments.number::<T>(Arguments::BETA)?,
            },
            strides: [
                arguments.size(Arguments::LDA)?,
                arguments.size(Arguments::LDB)?,
                arguments.size(Arguments::LDC)?,
            ],
        };
        let [first, second, result] = asked.extents()?;
        Some((
            asked,
            arguments.place::<T>(Arguments::A, first)?,
            arguments.place::<T>(Arguments::B, second)?,
            arguments.place::<T>(Arguments::C, result)?,
        ))
    };
    let Some((asked, first, second, result)) = read() else {
        return Ok(None);
    };
    let Some((result, [first, second])) = bytes.apart(result, [first, second]) else {
        return Ok(None);
    };
    let factors = (
        bytemuck::try_cast_slice(first),
        bytemuck::try_cast_slice(second),
    );
    match (factors, bytemuck::try_cast_slice_mut(result)) {
        ((Ok(first), Ok(second)), Ok(result)) => {
            product(&asked, first, second, result, room)?;
            Ok(Some(0))
        }
        _ => Ok(None),
    }
}

fn factored<T: Element>(bytes: &mut Bytes<'_>, pointer: i32, room: &Room<'_>) -> Done {
    let arguments = Arguments { bytes, pointer };
    let read = || {
        let asked = Factoring {
            rows: arguments.size(Arguments::M)?,
            columns: arguments.size(Arguments::N)?,
            stride: arguments.size(Arguments::LDA)?,
        };
        let matrix = arguments.place::<T>(Arguments::A, asked.extent()?)?;
        // The rows' numbers are written where others have their result.
        let pivots = arguments.place::<i32>(Arguments::C, asked.pivots())?;
        Some((asked, matrix, pivots))
    };
    let Some((asked, matrix, pivots)) = read() else {
        return Ok(None);
    };
    // Nothing is begun that could not be answered.
    if bytes.apart(pivots.clone(), [matrix.clone()]).is_none() {
        return Ok(None);
    }
    let matrix = bytes.apart(matrix, []).map(|(matrix, [])| matrix);
    let Some(Ok(matrix)) = matrix.map(bytemuck::try_cast_slice_mut::<u8, T>) else {
        return Ok(None);
    };
    // As many as a matrix that lies in memory can have.
    let mut exchanged = vec![0; asked.pivots()];
    let zero = factor(asked, matrix, &mut exchanged, room)?;
    if let Some((place, [])) = bytes.apart(pivots, []) {
        for (place, row) in place.chunks_exact_mut(4).zip(exchanged) {
            place.copy_from_slice(&row.to_le_bytes());
        }
    }
    Ok(Some(zero))
}

fn sort<B: Pod>(
    bytes: &mut Bytes<'_>,
    pointer: i32,
    count: i32,
    room: &Room<'_>,
    sort: fn(&mut [B], &Room<'_>) -> Result<(), Refusal>,
) -> Done {
    let numbers = usize::try_from(count)
        .ok()
        .and_then(|count| place::<B>(pointer.cast_unsigned(), count))
        .and_then(|range| bytes.apart(range, []));
    match numbers.map(|(bytes, [])| bytemuck::try_cast_slice_mut(bytes)) {
        Some(Ok(numbers)) => {
            sort(numbers, room)?;
            Ok(Some(0))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::interrupt::InterruptAddresses;

    const WORDS: InterruptAddresses = InterruptAddresses {
        flag: 16,
        exception: 32,
        events: 48,
        events_bit: 8,
        timeout_error: 64,
        keyboard_interrupt: 80,
    };
    /// Where the arguments are, the numbers, and the matrices of 4 × 4.
    const ARGUMENTS: usize = 128;
    const ONE: u32 = 192;
    const A: u32 = 256;
    const B: u32 = 384;
    const C: u32 = 512;

    /// A memory with a product or a factorization, changed by words at offsets.
    fn memory(changes: &[(usize, u32)]) -> Vec<u64> {
        let mut memory = vec![0_u64; 100];
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut memory);
        let words = [A, B, C, 0, ONE, 0, 4, 4, 4, 4, 4, 4];
        let words = words.into_iter().enumerate();
        let words = words.map(|(index, word)| (4 * index, word));
        for (offset, word) in words.chain(changes.iter().copied()) {
            let at = ARGUMENTS + offset;
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        memory[ONE as usize / 8] = 1_f64.to_bits();
        for at in 0..16 {
            memory[A as usize / 8 + at] = (at as f64).to_bits();
            memory[B as usize / 8 + at] = f64::from(u8::from(at % 5 == 0)).to_bits();
        }
        memory
    }

    fn tried(memory: &mut [u64], work: impl Fn(&mut Bytes<'_>, &Room<'_>) -> Done) -> Done {
        let bounds = Bounds {
            bytes_max: u64::MAX,
            working_bytes_max: HELD_BYTES_MAX,
            work_max: None,
        };
        let room = Room::new(bounds, &|| false);
        let bytes = bytemuck::cast_slice_mut(memory);
        work(&mut Bytes::new(bytes, Some(WORDS)), &room)
    }

    fn multiplied(bytes: &mut Bytes<'_>, room: &Room<'_>) -> Done {
        multiply::<f64>(bytes, ARGUMENTS as i32, (false, false), room)
    }

    fn solved(bytes: &mut Bytes<'_>, room: &Room<'_>) -> Done {
        factored::<f64>(bytes, ARGUMENTS as i32, room)
    }

    #[test]
    fn honest_arguments_are_done() {
        let mut memory_ = memory(&[]);
        assert_eq!(tried(&mut memory_, multiplied), Ok(Some(0)));
        let (a, c) = (A as usize / 8, C as usize / 8);
        assert_eq!(memory_[c..c + 16], memory_[a..a + 16]);
        let mut memory_ = memory(&[(0, B)]);
        assert_eq!(tried(&mut memory_, solved), Ok(Some(0)));
        let pivots: &[i32] = bytemuck::cast_slice(&memory_[c..c + 2]);
        assert_eq!(pivots, [1, 2, 3, 4]);
    }

    /// Empty matrices have no elements, and strides of any size but 0.
    #[test]
    fn empty_matrices_are_done_at_every_stride() {
        for stride in [1, 4, u32::MAX >> 1] {
            for changes in [
                [(24, 0), (28, 4), (32, 4)],
                [(24, 4), (28, 0), (32, 4)],
                [(24, 4), (28, 0), (32, 0)],
                [(24, 0), (28, 0), (32, 0)],
            ] {
                let strides = [(36, 4), (40, 4), (44, stride), (20, ONE)];
                let before = memory(&[&changes[..], &strides[..]].concat());
                let mut after = before.clone();
                assert_eq!(tried(&mut after, multiplied), Ok(Some(0)), "{changes:?}");
                assert!(before == after, "{changes:?}");
            }
            // A beta of 0 would scale the result column by column.
            let zero = (20, C);
            let before = memory(&[(28, 0), (44, stride), zero]);
            let mut after = before.clone();
            assert_eq!(tried(&mut after, multiplied), Ok(Some(0)), "{stride}");
            assert!(before == after, "{stride}");
            for (rows, columns) in [(0, 4), (4, 0), (0, 0)] {
                let before = memory(&[(24, rows), (28, columns), (36, stride)]);
                let mut after = before.clone();
                let done = tried(&mut after, solved);
                assert_eq!(done, Ok(Some(0)), "{rows} {columns} {stride}");
                assert!(before == after, "{rows} {columns} {stride}");
            }
        }
    }

    /// Forged pointers, sizes and overlaps: the work is left, and nothing is written.
    #[test]
    fn forged_arguments_leave_the_work_and_the_memory() {
        let pointers = [0_u32, 8, 16, 40, A + 4, 800, u32::MAX, 0x8000_0000];
        let sizes = [5, 0x7fff_ffff, 0x8000_0000, u32::MAX, 1 << 28];
        let mut forged: Vec<Vec<(usize, u32)>> = Vec::new();
        forged.extend(
            [0, 4, 8]
                .iter()
                .flat_map(|field| pointers.map(|word| vec![(*field, word)])),
        );
        forged.extend(
            [24, 28, 32]
                .iter()
                .flat_map(|field| sizes.map(|word| vec![(*field, word)])),
        );
        forged.extend(
            [36, 40, 44]
                .iter()
                .flat_map(|field| [0, 3, u32::MAX].map(|word| vec![(*field, word)])),
        );
        forged.extend([0, 16, 14, 796, u32::MAX].map(|word| vec![(16, word)]));
        forged.push(vec![(8, A)]);
        forged.push(vec![(8, B + 120)]);
        // No columns, at no distance, to be multiplied by 0.
        forged.push(vec![(28, 0), (44, 0), (20, ONE + 8)]);
        forged.push(vec![(24, 0), (36, 0)]);
        let most = 0x7fff_ffff;
        forged.push([24, 28, 32, 36, 40, 44].map(|field| (field, most)).to_vec());
        for changes in forged {
            let before = memory(&changes);
            let mut after = before.clone();
            assert_eq!(tried(&mut after, multiplied), Ok(None), "{changes:?}");
            assert!(before == after, "{changes:?}");
        }
        for changes in [
            vec![(0, 16)],
            vec![(0, A + 4)],
            vec![(0, 700)],
            vec![(8, A)],
            vec![(8, 46)],
            vec![(8, 799)],
            vec![(24, most), (28, most), (36, most)],
            vec![(24, u32::MAX)],
            vec![(36, 3)],
            vec![(24, 0), (36, 0)],
            vec![(28, 0), (36, 0)],
        ] {
            let before = memory(&changes);
            let mut after = before.clone();
            assert_eq!(tried(&mut after, solved), Ok(None), "{changes:?}");
            assert!(before == after, "{changes:?}");
        }
        for (pointer, count) in [
            (8, 2),
            (260, 4),
            (0, 100),
            (256, 1 << 30),
            (256, -1),
            (-8, 1),
        ] {
            let before = memory(&[]);
            let mut after = before.clone();
            let sorted = |bytes: &mut Bytes<'_>, room: &Room<'_>| {
                sort(bytes, pointer, count, room, sort_doubles)
            };
            assert_eq!(tried(&mut after, sorted), Ok(None), "{pointer} {count}");
            assert!(before == after);
        }
    }

    /// The arguments themselves lie anywhere.
    #[test]
    fn arguments_outside_of_memory_leave_the_work() {
        for pointer in [0, 20, 760, 799, -1, i32::MIN] {
            let at = |bytes: &mut Bytes<'_>, room: &Room<'_>| {
                multiply::<f64>(bytes, pointer, (false, false), room)
            };
            assert_eq!(tried(&mut memory(&[]), at), Ok(None), "{pointer}");
        }
    }
}
