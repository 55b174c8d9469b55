//! What entries and leases are numbered by.

/// Where an entry stands in the log of its session. Rises from entry to entry; 0 is
/// before the first.
pub type Sequence = u64;

/// Which of a session's leases one is. Rises from lease to lease.
pub type Epoch = u64;
