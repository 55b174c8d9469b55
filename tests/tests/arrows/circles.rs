//! Files of a crate that use each other in a circle can be read and changed
//! only together. There is none.

use super::packages::metadata;
use super::sources::root;
use super::uses::{Uses, of_crate};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[test]
fn files_form_no_circle() {
    let mut files = 0;
    let mut told = String::new();
    for package in metadata().packages {
        for target in &package.targets {
            if !target.is_lib() && !target.is_cdylib() && !target.is_bin() {
                continue;
            }
            let uses = of_crate(target.src_path.as_std_path());
            files += uses.of.len();
            for circle in circles(&uses) {
                tell(&mut told, package.name.as_str(), &circle, &uses);
            }
        }
    }
    assert!(files > 500, "only {files} files were read");
    assert!(told.is_empty(), "{told}");
}

/// The reading itself, on a crate that has every way to name an item of
/// another file, and a circle.
#[test]
fn what_a_file_uses_is_found_through_every_way_to_name_it() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "lib.rs",
        "mod ground;\nmod handed;\nmod a;\nmod b;\nmod c;\nmod d;\nmod e;\n\
         #[cfg(test)]\nmod never_read;\n",
    );
    write("ground.rs", "pub struct Item;\npub fn made() {}\n");
    // It hands on what it does not use.
    write("handed/mod.rs", "mod below;\npub use below::Below;\n");
    write("handed/below.rs", "pub struct Below;\n");
    write("a.rs", "use crate::handed::Below;\nfn f(_: Below) {}\n");
    write("b.rs", "fn f() { crate::ground::made() }\n");
    write(
        "c.rs",
        "use super::ground as other;\nfn f() { println!(\"{:?}\", other::made()) }\n",
    );
    write(
        "d.rs",
        "use super::ground::*;\nimpl Item { fn f() {} }\nfn g(_: crate::e::E) {}\n",
    );
    write(
        "e.rs",
        "pub struct E(crate::d::D);\n#[cfg(test)]\nmod tests { use crate::a::f; }\n",
    );
    let uses = of_crate(&directory.path().join("lib.rs"));
    let used = |file: &str| -> Vec<String> {
        let used = &uses.of[&directory.path().join(file)];
        used.keys()
            .map(|path| name(path, directory.path()))
            .collect()
    };
    assert_eq!(used("a.rs"), ["handed/below.rs"]);
    assert_eq!(used("b.rs"), ["ground.rs"]);
    assert_eq!(used("c.rs"), ["ground.rs"]);
    assert_eq!(used("d.rs"), ["e.rs", "ground.rs"]);
    assert!(used("e.rs").is_empty(), "D is nowhere");
    assert!(used("handed/mod.rs").is_empty());
    assert!(circles(&uses).is_empty());

    write("d.rs", "pub struct D;\nfn g(_: crate::e::E) {}\n");
    let uses = of_crate(&directory.path().join("lib.rs"));
    let found = circles(&uses);
    assert_eq!(found.len(), 1);
    let mut told = String::new();
    tell(&mut told, "example", &found[0], &uses);
    assert!(told.contains("D") && told.contains("E"), "{told}");
}

/// Each set of files that reach each other.
fn circles(uses: &Uses) -> Vec<BTreeSet<PathBuf>> {
    let reached: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> = uses
        .of
        .keys()
        .map(|file| (file, reached_from(file, uses)))
        .collect();
    let mut found = BTreeSet::new();
    for (file, all) in &reached {
        if all.contains(file) {
            let circle = all.iter().filter(|other| reached[**other].contains(file));
            found.insert(circle.map(|file| (*file).clone()).collect());
        }
    }
    found.into_iter().collect()
}

fn reached_from<'a>(file: &PathBuf, uses: &'a Uses) -> BTreeSet<&'a PathBuf> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&PathBuf> = uses.of[file].keys().collect();
    while let Some(used) = next.pop() {
        if reached.insert(used) {
            next.extend(uses.of[used].keys());
        }
    }
    reached
}

fn tell(told: &mut String, package: &str, circle: &BTreeSet<PathBuf>, uses: &Uses) {
    let _ = writeln!(told, "{package}: a circle of {} files", circle.len());
    for file in circle {
        for (used, names) in uses.of[file]
            .iter()
            .filter(|(used, _)| circle.contains(*used))
        {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let (file, used) = (name(file, &root()), name(used, &root()));
            let _ = writeln!(told, "  {file} uses {} of {used}", names.join(", "));
        }
    }
}

fn name(path: &Path, above: &Path) -> String {
    path.strip_prefix(above)
        .unwrap_or(path)
        .display()
        .to_string()
}
