//! Which file of a crate uses which: its modules are read as the compiler
//! reads them, and each path is followed, through re-exports, to the file that
//! defines what it names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// Files of a crate and, for each pair, the names that the first uses of the
/// second.
#[derive(Default)]
pub(crate) struct Uses {
    /// By file; every file is there.
    pub(crate) of: BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>,
}

/// Reads the crate whose root is this file.
pub(crate) fn of_crate(root: &Path) -> Uses {
    let mut modules = Modules::default();
    let directory = root.parent().expect("a file in a directory");
    modules.read_file(root, directory, None);
    modules.uses()
}

/// A module: its file, and what its names mean.
#[derive(Default)]
struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    /// Paths in its code, and what it imports for itself.
    paths: BTreeSet<Vec<String>>,
}

#[derive(Default)]
struct Modules {
    all: Vec<Module>,
}

/// Longer chains of re-exports are circles of themselves.
const DEPTH: usize = 16;

impl Modules {
    fn read_file(&mut self, file: &Path, directory: &Path, parent: Option<usize>) -> usize {
        let text = std::fs::read_to_string(file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let parsed =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.read_module(&parsed.items, file, directory, parent)
    }

    /// `directory` holds the files of the module's children.
    fn read_module(
        &mut self,
        items: &[syn::Item],
        file: &Path,
        directory: &Path,
        parent: Option<usize>,
    ) -> usize {
        let index = self.all.len();
        self.all.push(Module {
            file: file.to_path_buf(),
            parent,
            ..Module::default()
        });
        for item in items {
            if is_for_tests(attributes(item)) {
                continue;
            }
            if let syn::Item::Mod(module) = item {
                let name = module.ident.to_string();
                let child = match &module.content {
                    Some((_, items)) => {
                        self.read_module(items, file, &directory.join(&name), Some(index))
                    }
                    None => self.read_child(module, &name, directory, index),
                };
                self.all[index].children.insert(name, child);
                continue;
            }
            if let Some(name) = name_of(item) {
                self.all[index].items.insert(name);
            }
            let mut reader = Reader {
                module: &mut self.all[index],
            };
            reader.visit_item(item);
        }
        index
    }

    fn read_child(
        &mut self,
        module: &syn::ItemMod,
        name: &str,
        directory: &Path,
        parent: usize,
    ) -> usize {
        let stated = module.attrs.iter().find_map(|attribute| {
            let syn::Meta::NameValue(pair) = &attribute.meta else {
                return None;
            };
            match &pair.value {
                syn::Expr::Lit(syn::ExprLit {
                    lit: syn::Lit::Str(text),
                    ..
                }) if pair.path.is_ident("path") => Some(text.value()),
                _ => None,
            }
        });
        let flat = directory.join(format!("{name}.rs"));
        let file = match stated {
            Some(stated) => self.all[parent]
                .file
                .parent()
                .expect("a file in a directory")
                .join(stated),
            None if flat.is_file() => flat,
            None => directory.join(name).join("mod.rs"),
        };
        self.read_file(&file, &directory.join(name), Some(parent))
    }

    fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        for (index, module) in self.all.iter().enumerate() {
            let used = uses.of.entry(module.file.clone()).or_default();
            for path in &module.paths {
                let Some((definer, name)) = self.definer(index, path, DEPTH) else {
                    continue;
                };
                let file = &self.all[definer].file;
                if *file != module.file {
                    used.entry(file.clone()).or_default().insert(name);
                }
            }
        }
        uses
    }

    /// The module that defines what `path` names in `module`, and the name;
    /// nothing for what is a module itself or stands in another crate.
    fn definer(&self, module: usize, path: &[String], depth: usize) -> Option<(usize, String)> {
        let depth = depth.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let here = &self.all[module];
        match first.as_str() {
            "crate" => return self.definer(0, rest, depth),
            "self" => return self.definer(module, rest, depth),
            "super" => return self.definer(here.parent?, rest, depth),
            _ => {}
        }
        if here.items.contains(first) {
            return Some((module, first.clone()));
        }
        if let Some(child) = here.children.get(first) {
            return self.definer(*child, rest, depth);
        }
        if let Some(import) = here.imports.get(first) {
            // `use serde_json;` names itself.
            if import.first() == Some(first) {
                return None;
            }
            let whole: Vec<String> = import.iter().chain(rest).cloned().collect();
            return self.definer(module, &whole, depth);
        }
        here.globs.iter().find_map(|glob| {
            let whole: Vec<String> = glob.iter().chain(path).cloned().collect();
            self.definer(module, &whole, depth)
        })
    }
}

/// Collects what an item imports and which paths it uses.
struct Reader<'a> {
    module: &'a mut Module,
}

impl Reader<'_> {
    fn import(&mut self, tree: &syn::UseTree, above: &[String], is_handed_on: bool) {
        let joined = |name: &syn::Ident| {
            let mut path = above.to_vec();
            if name != "self" || above.is_empty() {
                path.push(name.to_string());
            }
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &joined(&path.ident), is_handed_on),
            syn::UseTree::Name(name) => {
                let path = joined(&name.ident);
                self.bind(path.last().cloned(), path, is_handed_on);
            }
            syn::UseTree::Rename(renamed) => {
                let path = joined(&renamed.ident);
                self.bind(Some(renamed.rename.to_string()), path, is_handed_on);
            }
            syn::UseTree::Glob(_) => self.module.globs.push(above.to_vec()),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, above, is_handed_on);
                }
            }
        }
    }

    fn bind(&mut self, name: Option<String>, path: Vec<String>, is_handed_on: bool) {
        if !is_handed_on {
            self.module.paths.insert(path.clone());
        }
        if let Some(name) = name.filter(|name| name != "_") {
            self.module.imports.entry(name).or_insert(path);
        }
    }

    /// What is in a macro's brackets is no syntax tree: names joined by `::`.
    fn tokens(&mut self, tokens: proc_macro2::TokenStream) {
        use proc_macro2::TokenTree;
        let mut path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.take(&mut path);
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.take(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.take(&mut path);
    }

    fn take(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.module.paths.insert(std::mem::take(path));
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let is_handed_on = !matches!(item.vis, syn::Visibility::Inherited);
        self.import(&item.tree, &[], is_handed_on);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|part| part.ident.to_string());
        self.module.paths.insert(names.collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_for_tests(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else {
            return attribute.path().is_ident("test");
        };
        let condition = list.tokens.to_string();
        attribute.path().is_ident("cfg")
            && (condition == "test" || condition.starts_with("all (test ,"))
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name_of(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Macro(item) => item.ident.as_ref()?,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
