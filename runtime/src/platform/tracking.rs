//! Which pages changed, and whether any did.

#[cfg(target_os = "linux")]
use super::linux;

/// How the pages that a session has changed are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirtyTracking {
    /// The `PAGEMAP_SCAN` ioctl (Linux 6.7 and later): cost follows the number
    /// of mapped pages.
    PagemapScan,
    /// Reading `/proc/self/pagemap` (any Linux): cost follows the size.
    Pagemap,
    /// Comparing every page with the image (any system): cost follows the size.
    Compare,
}

impl DirtyTracking {
    /// The fastest way that works on this machine, found by trying.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_os = "linux")]
        {
            if linux::pagemap_scan_works() {
                return Self::PagemapScan;
            }
            if linux::pagemap_works() {
                return Self::Pagemap;
            }
        }
        Self::Compare
    }

    /// The name used in configuration and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PagemapScan => "pagemap-scan",
            Self::Pagemap => "pagemap",
            Self::Compare => "compare",
        }
    }
}

/// Appends the numbers of the private pages in `[base, base + len)` to `pages`,
/// ascending.
///
/// `None` says that the kernel cannot report them (any more) and the caller has
/// to compare every page.
pub(crate) fn private_pages(
    tracking: DirtyTracking,
    base: usize,
    len: usize,
    pages: &mut Vec<u32>,
) -> Option<()> {
    match tracking {
        #[cfg(target_os = "linux")]
        DirtyTracking::PagemapScan => linux::pagemap_scan(base, len, pages),
        #[cfg(target_os = "linux")]
        DirtyTracking::Pagemap => linux::pagemap_read(base, len, pages),
        _ => None,
    }
}

/// Minor page faults of the calling thread so far.
///
/// No new fault between two readings means that no page became dirty in
/// between, which saves the scan. `None` where the system does not count them
/// by thread.
pub(crate) fn thread_faults() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        linux::thread_faults()
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
}
