//! Names of files and facts from names that people gave.

use std::collections::{HashMap, HashSet};

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
    /// The last number of each slug that came again: a thousand of one name are not tried
    /// one by one.
    numbers: HashMap<String, u32>,
}

impl Slugs {
    /// Hands out this name no more.
    pub(super) fn reserve(&mut self, slug: &str) {
        self.taken.insert(slug.to_owned());
    }

    pub(super) fn take(&mut self, name: &str) -> String {
        let slug = slug(name);
        if self.taken.insert(slug.clone()) {
            return slug;
        }
        let number = self.numbers.entry(slug.clone()).or_insert(1);
        loop {
            *number = number.saturating_add(1);
            let unique = format!("{slug}_{number}");
            // Another may be called so itself.
            if self.taken.insert(unique.clone()) {
                return unique;
            }
        }
    }
}
