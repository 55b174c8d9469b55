//! The guest's own files, as it sees them.

use super::packages::Packages;
use super::spec::ImageSpec;
use crate::error::Error;
use memex_filesystem::{Namespace, NamespaceBuilder};
use memex_guest_python::GuestFiles;

/// The guest's own files, where it expects them: the same for every session of
/// an image on every machine.
pub(super) fn library(
    spec: &ImageSpec,
    files: &GuestFiles,
    packages: &Packages,
) -> Result<NamespaceBuilder, Error> {
    let mut builder = Namespace::builder();
    for file in &spec.manifest.files {
        if let Some(guest_path) = &file.guest_path {
            let open =
                std::fs::File::open(&files.stdlib).map_err(Error::file("open", &files.stdlib))?;
            builder = builder.file(guest_path, open);
        }
    }
    let site = packages.site.iter().map(|site| {
        let guest_path = memex_guest_python::PACKAGES_GUEST_PATH.to_owned();
        (guest_path, site.clone())
    });
    for (guest_path, path) in files.data.iter().cloned().chain(site) {
        let path = &path;
        let directory = cap_std::fs::Dir::open_ambient_dir(path, cap_std::ambient_authority())
            .map_err(Error::file("open", path))?;
        builder = builder.directory(&guest_path, directory, memex_filesystem::Access::ReadOnly);
    }
    Ok(builder.constant())
}
