//! The numbers of nodes, and the roots that every tree has.

pub(crate) type NodeId = u64;

/// The root of `/tmp`.
pub(crate) const TMP_ROOT: NodeId = 1;
/// The root of `/home/user`.
pub(crate) const HOME_ROOT: NodeId = 2;

/// The roots and where they are mounted.
pub(crate) const ROOTS: [(NodeId, &str); 2] = [(TMP_ROOT, "/tmp"), (HOME_ROOT, "/home/user")];
