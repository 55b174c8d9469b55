//! Runs of pages: each is one system call.

/// Runs of consecutive numbers in an ascending list, as (first, count).
pub(crate) fn runs(pages: &[u32]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &page in pages {
        match runs.last_mut() {
            Some((first, count)) if first.wrapping_add(*count) == page => *count += 1,
            _ => runs.push((page, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_join_neighbours_only() {
        assert_eq!(runs(&[1, 2, 3, 5, 9, 10]), [(1, 3), (5, 1), (9, 2)]);
        assert_eq!(runs(&[]), []);
    }
}
