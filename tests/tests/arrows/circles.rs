//! Which file of a crate uses which, read from its imports and paths, and the
//! circles in that. Re-exports are followed to the file that defines an item.
//!
//! This reads text, not types: what a file uses through methods alone is not seen.

use super::sources::{Source, code_of};
use std::collections::{BTreeMap, BTreeSet};

/// How many re-exports lie between a name and what it stands for, at most.
const STEPS_MAX: usize = 16;

/// One file of a crate.
#[derive(Default)]
struct Module {
    file: String,
    /// What it imports, under the names that it gives them. `*` is everything.
    imports: Vec<(String, Vec<String>)>,
    /// Paths in its code.
    paths: Vec<Vec<String>>,
    code: String,
}

/// The files of a crate, by their module paths.
struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
}

/// The circles among the files in `folder`, a crate's `src`.
pub(crate) fn circles(folder: &str, sources: &[Source]) -> Vec<Vec<String>> {
    let uses = Crate::read(folder, sources).uses();
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|file| (file.as_str(), reached(file, &uses)))
        .collect();
    let mut circles = BTreeSet::new();
    for (file, others) in &reached {
        let is_mutual = |other: &&&str| reached.get(**other).is_some_and(|r| r.contains(file));
        let circle: Vec<String> = others
            .iter()
            .filter(is_mutual)
            .map(ToString::to_string)
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// All that a file uses, directly or through others.
fn reached<'u>(file: &str, uses: &'u BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'u str> {
    let mut seen = BTreeSet::new();
    let mut left: Vec<&str> = vec![file];
    while let Some(next) = left.pop() {
        for used in uses.get(next).into_iter().flatten() {
            if seen.insert(used.as_str()) {
                left.push(used);
            }
        }
    }
    seen
}

impl Crate {
    fn read(folder: &str, sources: &[Source]) -> Self {
        let mut modules = BTreeMap::new();
        let mut only_tests = BTreeSet::new();
        for Source { path, text } in sources {
            let Some(inside) = path.strip_prefix(folder) else {
                continue;
            };
            let module = module_of(inside);
            let text = text
                .split("\n#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or("");
            for declared in text.split("#[cfg(test)]\nmod ").skip(1) {
                let name = declared.split(';').next().unwrap_or("").to_owned();
                only_tests.insert([module.clone(), vec![name]].concat());
            }
            let code: String = code_of(text).map(|(_, line)| line + "\n").collect();
            modules.insert(module, Module::read(path.clone(), &code));
        }
        modules.retain(|module, _| !only_tests.contains(module));
        Self { modules }
    }

    /// The other files that each file uses.
    fn uses(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (place, module) in &self.modules {
            let imported = module.imports.iter().filter(|(name, _)| name != "*");
            let paths = imported.map(|(_, path)| path).chain(&module.paths);
            let used = uses.entry(module.file.clone()).or_default();
            used.extend(paths.filter_map(|path| self.file_of(place, path, STEPS_MAX)));
            used.remove(&module.file);
        }
        uses
    }

    /// The file that defines what a path in a module stands for.
    fn file_of(&self, place: &[String], path: &[String], steps: usize) -> Option<String> {
        let mut here = place.to_vec();
        let mut names = path.iter().enumerate();
        while let Some((at, name)) = names.next() {
            match name.as_str() {
                "crate" => here.clear(),
                "self" => {}
                "super" => {
                    here.pop()?;
                }
                name => {
                    let child = [here.clone(), vec![name.to_owned()]].concat();
                    if self.modules.contains_key(&child) {
                        here = child;
                        continue;
                    }
                    let module = self.modules.get(&here)?;
                    if steps == 0 {
                        return None;
                    }
                    let rest = &path[at + 1..];
                    for (_, target) in module.imports.iter().filter(|(own, _)| own == name) {
                        let target = [target, rest].concat();
                        if let Some(file) = self.file_of(&here, &target, steps - 1) {
                            return Some(file);
                        }
                    }
                    if module.defines(name) {
                        return Some(module.file.clone());
                    }
                    let all = module.imports.iter().filter(|(own, _)| own == "*");
                    return all
                        .map(|(_, target)| [target.as_slice(), &[name.to_owned()]].concat())
                        .find_map(|target| self.file_of(&here, &target, steps - 1));
                }
            }
        }
        // A module by itself: what is used of it is among the paths.
        None
    }
}

impl Module {
    fn read(file: String, code: &str) -> Self {
        let mut module = Self {
            file,
            ..Self::default()
        };
        let mut left = code;
        let mut others = String::new();
        while let Some((before, import, after)) = next_import(left) {
            others.push_str(before);
            others.push('\n');
            flatten(&[], import, &mut module.imports);
            left = after;
        }
        others.push_str(left);
        module.paths = paths_in(&others);
        module.code = others;
        module
    }

    /// Whether an item of this name is defined here.
    fn defines(&self, name: &str) -> bool {
        let kinds = ["fn", "struct", "enum", "trait", "type", "const", "static"];
        kinds.iter().any(|kind| {
            let defined = format!("{kind} {name}");
            self.code.match_indices(&defined).any(|(at, _)| {
                let next = self.code[at + defined.len()..].chars().next();
                !next.is_some_and(is_name)
            })
        })
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The module path of a file in `src`.
fn module_of(inside: &str) -> Vec<String> {
    let path = inside.trim_start_matches('/').trim_end_matches(".rs");
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}

/// What stands before the next import, the import itself, and what follows it.
fn next_import(code: &str) -> Option<(&str, &str, &str)> {
    let at = code.match_indices("use ").map(|(at, _)| at).find(|at| {
        let line = code[..*at].rsplit('\n').next().unwrap_or("").trim_start();
        line.is_empty() || (line.starts_with("pub") && !line.contains('{'))
    })?;
    let (import, after) = code[at + "use ".len()..].split_once(';')?;
    Some((&code[..at], import, after))
}

/// Takes a tree of imports apart.
fn flatten(prefix: &[String], tree: &str, imports: &mut Vec<(String, Vec<String>)>) {
    let tree = tree.trim();
    if let Some((before, inner)) = tree.split_once('{') {
        let prefix: Vec<String> = prefix.iter().cloned().chain(names(before)).collect();
        let inner = inner.trim_end().trim_end_matches('}');
        let mut depth = 0;
        let is_between = |c: char| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0
        };
        for part in inner
            .split(is_between)
            .filter(|part| !part.trim().is_empty())
        {
            flatten(&prefix, part, imports);
        }
        return;
    }
    let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut path: Vec<String> = prefix.iter().cloned().chain(names(path)).collect();
    if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
        path.pop();
    }
    let name = match alias.trim() {
        "" => path.last().cloned().unwrap_or_default(),
        alias => alias.to_owned(),
    };
    if name == "*" {
        path.pop();
    }
    imports.push((name, path));
}

fn names(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split("::")
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
}

/// Paths of more than one name.
fn paths_in(code: &str) -> Vec<Vec<String>> {
    code.split(|c: char| !is_name(c) && c != ':')
        .filter(|word| word.contains("::"))
        .map(|word| names(word.trim_matches(':')).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Source, circles};

    fn of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let source = |(path, text): &(&str, &str)| Source {
            path: format!("some/src/{path}"),
            text: (*text).to_owned(),
        };
        circles("some/src", &files.iter().map(source).collect::<Vec<_>>())
    }

    #[test]
    fn circles_are_found_by_imports_paths_and_re_exports() {
        let lib = ("lib.rs", "mod a;\nmod b;\npub use a::A;\n");
        let a = "use crate::b::{B, c::{self, C as D}};\npub struct A;\n";
        let both = vec![vec!["some/src/a.rs".to_owned(), "some/src/b.rs".to_owned()]];
        // Down only.
        assert_eq!(
            of(&[lib, ("a.rs", a), ("b.rs", "pub struct B;\n")]).len(),
            0
        );
        // Up by an import, through the re-export, by a path, and in a tree.
        for up in [
            "use super::a::A;\npub struct B;\n",
            "use crate::A;\npub struct B;\n",
            "pub struct B;\nfn f() { crate::a::A; }\n",
            "use std::{fs, io};\npub(crate) use super::{\n    a::{\n        A,\n    },\n};\npub struct B;\n",
        ] {
            assert_eq!(of(&[lib, ("a.rs", a), ("b.rs", up)]), both, "{up}");
        }
        // Not in comments, texts and tests.
        for down in [
            "// crate::a::A\npub struct B;\n",
            "pub struct B;\nfn f() { \"crate::a::A\"; }\n",
            "pub struct B;\n\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n",
        ] {
            assert_eq!(of(&[lib, ("a.rs", a), ("b.rs", down)]).len(), 0, "{down}");
        }
    }

    #[test]
    fn a_folder_that_defines_what_its_files_use_is_a_circle() {
        let folder = "mod part;\npub use part::Part;\npub const MAX: usize = 1;\n";
        let part = "use super::MAX;\npub struct Part([u8; MAX]);\n";
        let files = [
            ("lib.rs", "mod a;\n"),
            ("a/mod.rs", folder),
            ("a/part.rs", part),
        ];
        assert_eq!(of(&files).len(), 1);
    }
}
