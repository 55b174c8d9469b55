//! Dirty pages and page faults, as Linux reports them.
#![allow(unsafe_code)]

use super::page::PAGE_BYTES;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// One run of pages in the answer of `PAGEMAP_SCAN` (`struct page_region`).
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// The argument of `PAGEMAP_SCAN` (`struct pm_scan_arg`, linux/fs.h).
#[repr(C)]
#[derive(Default)]
struct ScanArgument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

const _: () = assert!(size_of::<ScanArgument>() == 96);
const _: () = assert!(size_of::<PageRegion>() == 24);

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: u64 = 0xC060_6610;
const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
const PAGE_IS_PFNZERO: u64 = 1 << 5;
const REGIONS: usize = 256;

thread_local! {
    /// `/proc/self/pagemap`, opened once a thread: one descriptor shared by
    /// all would serialise the scans.
    static PAGEMAP: Option<File> = File::open("/proc/self/pagemap").ok();
}

pub(super) fn pagemap_scan_works() -> bool {
    let probe = vec![1_u8; 2 * PAGE_BYTES];
    let start = (probe.as_ptr() as usize).next_multiple_of(PAGE_BYTES);
    let mut pages = Vec::new();
    pagemap_scan(start, PAGE_BYTES, &mut pages).is_some() && pages == [0]
}

pub(super) fn pagemap_works() -> bool {
    let probe = vec![1_u8; 2 * PAGE_BYTES];
    let start = (probe.as_ptr() as usize).next_multiple_of(PAGE_BYTES);
    let mut pages = Vec::new();
    pagemap_read(start, PAGE_BYTES, &mut pages).is_some() && pages == [0]
}

/// Private pages by the `PAGEMAP_SCAN` ioctl: present or swapped, not of a
/// file, not the zero page.
pub(super) fn pagemap_scan(base: usize, len: usize, pages: &mut Vec<u32>) -> Option<()> {
    PAGEMAP.with(|pagemap| {
        let pagemap = pagemap.as_ref()?;
        let mut regions = [PageRegion::default(); REGIONS];
        let (mut start, end) = (base as u64, (base + len) as u64);
        while start < end {
            let mut argument = ScanArgument {
                size: size_of::<ScanArgument>() as u64,
                start,
                end,
                vec: regions.as_mut_ptr() as u64,
                vec_len: REGIONS as u64,
                category_inverted: PAGE_IS_FILE | PAGE_IS_PFNZERO,
                category_mask: PAGE_IS_FILE | PAGE_IS_PFNZERO,
                category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                return_mask: PAGE_IS_PRESENT,
                ..ScanArgument::default()
            };
            // SAFETY: `argument` is a valid `pm_scan_arg` of the size it
            // states; `vec` points at `vec_len` writable regions that outlive
            // the call; the kernel only reads the page tables of [start, end).
            // JUSTIFICATION: no safe wrapper of this ioctl exists.
            let count =
                unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN as _, &raw mut argument) };
            let count = usize::try_from(count).ok()?;
            for region in regions.get(..count)? {
                let first = (region.start as usize - base) / PAGE_BYTES;
                let last = (region.end as usize - base).div_ceil(PAGE_BYTES);
                pages.extend(first as u32..last as u32);
            }
            if argument.walk_end <= start {
                return None;
            }
            start = argument.walk_end;
        }
        Some(())
    })
}

/// Private pages by reading `/proc/self/pagemap`: bit 63 present, bit 62
/// swapped, bit 61 file or shared.
pub(super) fn pagemap_read(base: usize, len: usize, pages: &mut Vec<u32>) -> Option<()> {
    const BATCH: usize = 8192;
    let host_page = rustix::param::page_size();
    if host_page != PAGE_BYTES {
        return None;
    }
    PAGEMAP.with(|pagemap| {
        let pagemap = pagemap.as_ref()?;
        let mut words = vec![0_u8; BATCH * 8];
        let total = len / PAGE_BYTES;
        let mut page = 0;
        while page < total {
            let batch = BATCH.min(total - page);
            let words = words.get_mut(..batch * 8)?;
            pagemap
                .read_exact_at(words, ((base / PAGE_BYTES + page) * 8) as u64)
                .ok()?;
            for (i, word) in words.chunks_exact(8).enumerate() {
                let word = u64::from_le_bytes(word.try_into().ok()?);
                if word >> 62 != 0 && word >> 61 & 1 == 0 {
                    pages.push((page + i) as u32);
                }
            }
            page += batch;
        }
        Some(())
    })
}

pub(super) fn thread_faults() -> Option<u64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` is writable memory of the right size, which the kernel
    // fills when it returns 0.
    // JUSTIFICATION: rustix does not offer RUSAGE_THREAD.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    u64::try_from(usage.ru_minflt.saturating_add(usage.ru_majflt)).ok()
}
