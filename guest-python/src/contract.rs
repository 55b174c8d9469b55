//! Whether a module keeps what its manifest and the state design promise.

use crate::error::Error;
use crate::manifest::{
    BytePatch, IndexingCall, Manifest, NarrowingCall, NumberLoops, OffloadedFunctions,
};
use crate::rewrite::{ModuleInfo, RewriteOptions};

impl Manifest {
    /// Refuses a module for which the state design does not hold or that is not
    /// the guest this manifest describes.
    ///
    /// The state of a session at rest must be its linear memory and its mutable
    /// globals, nothing else: so no imported or reference-typed mutable global,
    /// no table that changes, no passive segment. The module may import only
    /// what the manifest lists and must have the functions it names.
    ///
    /// # Errors
    /// The first rule that is broken, by name.
    pub fn check(&self, module: &ModuleInfo<'_>) -> Result<(), Error> {
        module.check_state()?;
        self.check_imports(module)?;
        let has = |name: &str| module.exports.iter().any(|export| export.name == name);
        if let Some(name) = self.module.exports.iter().find(|name| !has(name)) {
            return Err(Error::MissingExport { name: name.clone() });
        }
        module.check_flag(self.module.interrupt_flag_address)?;
        for function in &self.module.functions {
            if function.required || module.functions.count(&function.name) > 1 {
                module.functions.index(&function.name)?;
            }
        }
        for wrap in &self.module.wrap {
            module.functions.index(&wrap.name)?;
        }
        Ok(())
    }

    /// What to do to a module of this guest: everything the manifest asks for,
    /// optional functions only as far as this module has them.
    ///
    /// With `interruptible`, loops and bulk operations look at the interrupt
    /// flag; without it (a build that is metered by other means) they do not.
    pub fn rewrite_options(&self, module: &ModuleInfo<'_>, interruptible: bool) -> RewriteOptions {
        let contract = &self.module;
        RewriteOptions {
            exports: contract
                .functions
                .iter()
                .filter(|function| function.required || module.functions.count(&function.name) == 1)
                .map(|function| (function.name.clone(), function.export_name().to_owned()))
                .collect(),
            interrupt_flag_address: interruptible.then_some(contract.interrupt_flag_address),
            wrap_shadow_stack: contract
                .wrap
                .iter()
                .map(|wrap| (wrap.name.clone(), wrap.shadow_stack_bytes))
                .collect(),
            patches: contract.patch.iter().filter_map(BytePatch::patch).collect(),
            narrowings: contract
                .narrowing
                .iter()
                .map(NarrowingCall::narrowing)
                .collect(),
            indexing: contract.indexing.iter().map(IndexingCall::call).collect(),
            floats: contract.floats.iter().map(NumberLoops::loops).collect(),
            offloads: (contract.offload.iter())
                .flat_map(OffloadedFunctions::offloads)
                .collect(),
            chunk_bulk_memory: interruptible,
            keep_names: false,
        }
    }

    fn check_imports(&self, module: &ModuleInfo<'_>) -> Result<(), Error> {
        let groups = &self.module.imports;
        for import in &module.imports {
            let listed = groups.iter().any(|group| {
                group.module == import.module && group.names.iter().any(|name| name == import.name)
            });
            if !listed {
                return Err(Error::UnexpectedImport {
                    module: import.module.to_owned(),
                    name: import.name.to_owned(),
                });
            }
        }
        for group in groups.iter().filter(|group| group.required) {
            for name in &group.names {
                let imported = |import: &crate::ImportEntry<'_>| {
                    import.module == group.module && import.name == name
                };
                if !module.imports.iter().any(imported) {
                    return Err(Error::MissingImport {
                        module: group.module.clone(),
                        name: name.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}
