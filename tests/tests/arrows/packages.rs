//! The packages of the workspace, as cargo knows them.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;

/// The packages of the workspace.
pub(crate) fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

/// The dependencies of a package, of these kinds.
pub(crate) fn names(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    let dependencies = package.dependencies.iter();
    let wanted = dependencies.filter(|dependency| kinds.contains(&dependency.kind));
    wanted.map(|dependency| dependency.name.clone()).collect()
}

/// What is part of the program, or of its build.
pub(crate) const SHIPPED: &[DependencyKind] = &[DependencyKind::Normal, DependencyKind::Build];
