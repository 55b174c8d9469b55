//! Names of files and facts from names that people gave.

use std::collections::HashSet;

const SLUG_CHARS_MAX: usize = 60;

/// `snake_case` of a name: letters of any script and digits, in lower case.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    let mut count = 0;
    for c in name.chars().flat_map(char::to_lowercase) {
        if count >= SLUG_CHARS_MAX {
            break;
        }
        if c.is_alphanumeric() && !c.is_uppercase() {
            slug.push(c);
            count += 1;
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
            count += 1;
        }
    }
    let slug = slug.trim_end_matches('_');
    match slug.chars().next() {
        None => "untitled".to_owned(),
        Some(first) if first.is_alphabetic() => slug.to_owned(),
        Some(_) => format!("n_{slug}"),
    }
}

/// Hands out each slug once; the next of the same name gets a number.
#[derive(Default)]
pub(super) struct Slugs {
    taken: HashSet<String>,
}

impl Slugs {
    pub(super) fn take(&mut self, name: &str) -> String {
        let slug = slug(name);
        let mut unique = slug.clone();
        let mut number = 1_u32;
        while !self.taken.insert(unique.clone()) {
            number += 1;
            unique = format!("{slug}_{number}");
        }
        unique
    }
}
