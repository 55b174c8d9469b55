//! The rules a manifest's values keep.

use std::collections::BTreeSet;

use super::contents::{FileRole, FunctionExport, Manifest, ModuleContract, Package, ROLES};
use super::refusals::{refusal, rule};
use crate::error::Error;

/// The manifest format this crate reads.
const VERSION: u32 = 1;
/// A bound on any one file of a guest, far above what a build needs.
const FILE_MAX_BYTES: u64 = 2 << 30;
/// The alignment the C ABI of WebAssembly keeps on the shadow stack.
const STACK_ALIGNMENT: u32 = 16;

impl Manifest {
    /// Refuses the first value that breaks a rule.
    pub(super) fn validate(&self) -> Result<(), Error> {
        rule(
            self.version == VERSION,
            "version",
            self.version,
            "this memex reads version 1",
        )?;
        rule(plain(&self.name), "name", &self.name, PLAIN)?;
        guest_path("argv0", &self.argv0)?;
        self.validate_packages()?;
        self.validate_files()?;
        self.validate_data()?;
        for (name, value) in &self.environment {
            let named = !name.is_empty() && !name.contains(['=', '\0']);
            rule(named, "environment", name, "a name has no `=` and no NUL")?;
            rule(
                !value.contains('\0'),
                "environment",
                name,
                "a value has no NUL",
            )?;
        }
        self.module.validate()
    }

    fn validate_packages(&self) -> Result<(), Error> {
        validate_package("package", &self.package)?;
        for package in &self.wheels {
            validate_package("wheels", package)?;
            rule(
                package.wheel.ends_with("-none-any.whl"),
                "wheels.wheel",
                &package.wheel,
                "a wheel of Python alone",
            )?;
        }
        let names = self.wheels.iter().map(|package| package.name.as_str());
        distinct("wheels.name", names)
    }

    fn validate_files(&self) -> Result<(), Error> {
        for role in [FileRole::Module, FileRole::Stdlib] {
            let count = self.files.iter().filter(|file| file.role == role).count();
            rule(
                count == 1,
                "files",
                format!("{count} of role {role:?}"),
                ROLES,
            )?;
        }
        for file in &self.files {
            size("files.bytes", file.bytes)?;
            match (file.role, &file.guest_path) {
                (FileRole::Stdlib, Some(path)) => guest_path("files.guest_path", path)?,
                (FileRole::Module, None) => {}
                (role, path) => {
                    let value = format!("{path:?} for role {role:?}");
                    let rule = "the stdlib has a guest path, the module has none";
                    return Err(refusal("files.guest_path", value, rule));
                }
            }
        }
        Ok(())
    }

    fn validate_data(&self) -> Result<(), Error> {
        let mut names = BTreeSet::from(["lib", "module"]);
        for data in &self.data {
            rule(plain(&data.name), "data.name", &data.name, PLAIN)?;
            let new = names.insert(data.name.as_str());
            rule(
                new,
                "data.name",
                &data.name,
                "names differ, and are not `lib` or `module`",
            )?;
            size("data.bytes", data.bytes)?;
            size("data.unpacked_bytes", data.unpacked_bytes)?;
            guest_path("data.guest_path", &data.guest_path)?;
        }
        Ok(())
    }
}

fn validate_package(field: &str, package: &Package) -> Result<(), Error> {
    for (part, value) in [("name", &package.name), ("version", &package.version)] {
        rule(plain(value), &format!("{field}.{part}"), value, PLAIN)?;
    }
    let wheel = &package.wheel;
    rule(
        plain(wheel) && wheel.ends_with(".whl"),
        &format!("{field}.wheel"),
        wheel,
        "a wheel's file name",
    )?;
    size(&format!("{field}.bytes"), package.bytes)
}

impl ModuleContract {
    fn validate(&self) -> Result<(), Error> {
        let flag = self.interrupt_flag_address;
        let placed = flag != 0 && flag.is_multiple_of(4) && flag < self.shadow_stack_bytes;
        let field = "module.interrupt_flag_address";
        rule(
            placed,
            field,
            flag,
            "a multiple of 4, not 0, below the end of the shadow stack",
        )?;
        for wrap in &self.wrap {
            let bytes = wrap.shadow_stack_bytes;
            let aligned = bytes != 0 && bytes.is_multiple_of(STACK_ALIGNMENT);
            let field = "module.wrap.shadow_stack_bytes";
            rule(aligned, field, bytes, "a multiple of 16, not 0")?;
        }
        for patch in &self.patch {
            patch.validate()?;
        }
        for call in &self.narrowing {
            call.validate()?;
        }
        for call in &self.indexing {
            call.validate()?;
        }
        for loops in &self.floats {
            loops.validate()?;
        }
        for functions in &self.offload {
            functions.validate()?;
        }
        let wrapped = self.wrap.iter().map(|wrap| wrap.name.as_str());
        distinct("module.wrap.name", wrapped)?;
        let exported = self.functions.iter().map(FunctionExport::export_name);
        distinct("module.functions.export", exported)
    }
}

const PLAIN: &str = "letters, digits and `._+-`, not starting with a dot or a dash";

/// A name that is safe as a file name and as an argument of the package client.
fn plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
}

fn guest_path(field: &str, path: &str) -> Result<(), Error> {
    let mut parts = path.split('/');
    let normal = parts.next() == Some("")
        && parts.all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0'));
    rule(
        normal,
        field,
        path,
        "an absolute path without `.`, `..` or empty parts",
    )
}

fn size(field: &str, bytes: u64) -> Result<(), Error> {
    rule(
        (1..=FILE_MAX_BYTES).contains(&bytes),
        field,
        bytes,
        "between 1 byte and 2 GiB",
    )
}

fn distinct<'a>(field: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for name in names {
        rule(
            !name.is_empty() && seen.insert(name),
            field,
            name,
            "not empty, and not given twice",
        )?;
    }
    Ok(())
}
