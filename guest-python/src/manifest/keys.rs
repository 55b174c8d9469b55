//! What a manifest adds to the keys of caches.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::contents::Manifest;
use super::digests::{Known, KnownDigests};
use crate::digest::Sha256Digest;

impl Manifest {
    /// A digest of every field.
    ///
    /// It is taken over the `Debug` form, which quotes every string and is derived but for
    /// this type's own list of fields. The form may change with the compiler; a cache is then
    /// rebuilt, never misused.
    pub fn digest(&self) -> Sha256Digest {
        match self.known() {
            Some(known) => *known.digest.get_or_init(|| digest(self)),
            None => digest(self),
        }
    }

    /// What machine code is made from: the `Debug` form of the module's contract without its
    /// proofs, which change no code.
    pub fn code_form(&self) -> Arc<str> {
        match self.known() {
            Some(known) => Arc::clone(known.code_form.get_or_init(|| code_form(self))),
            None => code_form(self),
        }
    }

    /// What is known of this manifest, if it is as it was then.
    fn known(&self) -> Option<&Known<Self>> {
        let known = self.digests.0.get_or_init(|| Known {
            manifest: Self {
                digests: KnownDigests::default(),
                ..self.clone()
            },
            digest: OnceLock::new(),
            code_form: OnceLock::new(),
        });
        (known.manifest == *self).then_some(known)
    }
}

fn digest(manifest: &Manifest) -> Sha256Digest {
    Sha256Digest::of(format!("{manifest:?}").as_bytes())
}

fn code_form(manifest: &Manifest) -> Arc<str> {
    format!("{:?}", manifest.module.without_proofs()).into()
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By name, so that a field added later cannot be left out.
        let Self {
            version,
            name,
            argv0,
            package,
            files,
            data,
            wheels,
            environment,
            module,
            digests: _,
        } = self;
        f.debug_struct("Manifest")
            .field("version", version)
            .field("name", name)
            .field("argv0", argv0)
            .field("package", package)
            .field("files", files)
            .field("data", data)
            .field("wheels", wheels)
            .field("environment", environment)
            .field("module", module)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_manifest_that_changed_has_another_digest_although_one_is_known() {
        let mut manifest = Manifest::default_guest().unwrap();
        let (whole, code) = (manifest.digest(), manifest.code_form());
        let copy = manifest.clone();
        assert_eq!(copy.digest(), whole);
        manifest.module.patch[0].proof.push(' ');
        assert_ne!(manifest.digest(), whole);
        assert_eq!(manifest.code_form(), code);
        manifest.module.shadow_stack_bytes += 1;
        assert_ne!(manifest.code_form(), code);
        assert_eq!(copy.digest(), whole);
        let read_anew = Manifest::default_guest().unwrap();
        assert_eq!((read_anew.digest(), read_anew.code_form()), (whole, code));
    }
}
