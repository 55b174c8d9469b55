//! The toolbox.

use super::entry::ToolEntry;
use super::index::Index;
use crate::Error;
use crate::python::Form;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Tools that sessions see: immutable, shared, cheap to clone.
#[derive(Debug, Clone)]
pub struct Toolbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    entries: Vec<ToolEntry>,
    by_name: HashMap<String, usize>,
    by_identifier: HashMap<String, usize>,
    index: OnceLock<Index>,
    /// By the name of a class: the first tool whose definition has it.
    by_class: OnceLock<HashMap<String, usize>>,
}

impl Toolbox {
    pub(super) fn new(entries: Vec<ToolEntry>, by_name: HashMap<String, usize>) -> Self {
        let by_identifier = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.identifier().to_owned(), index))
            .collect();
        Self {
            shared: Arc::new(Shared {
                entries,
                by_name,
                by_identifier,
                index: OnceLock::new(),
                by_class: OnceLock::new(),
            }),
        }
    }

    /// How many tools there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.entries.is_empty()
    }

    /// The tools, in the order they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, ToolEntry> {
        self.shared.entries.iter()
    }

    /// The tool called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ToolEntry> {
        let index = self.shared.by_name.get(name)?;
        self.shared.entries.get(*index)
    }

    /// The tool that Python calls `identifier`.
    #[must_use]
    pub fn by_identifier(&self, identifier: &str) -> Option<&ToolEntry> {
        let index = self.shared.by_identifier.get(identifier)?;
        self.shared.entries.get(*index)
    }

    /// The first tool whose stub shows a class of this name.
    #[must_use]
    pub fn by_class(&self, class: &str) -> Option<&ToolEntry> {
        let entries = &self.shared.entries;
        let by_class = self.shared.by_class.get_or_init(|| {
            let mut found = HashMap::new();
            for (index, entry) in entries.iter().enumerate() {
                for name in entry.definition().class_names() {
                    found.entry(name.to_owned()).or_insert(index);
                }
            }
            found
        });
        entries.get(*by_class.get(class)?)
    }

    /// Tools that `visible` lets through and that have to do with `text`, best
    /// first.
    #[must_use]
    pub fn search(
        &self,
        text: &str,
        limit: usize,
        visible: impl Fn(&str) -> bool,
    ) -> Vec<&ToolEntry> {
        let entries = &self.shared.entries;
        let index = self.shared.index.get_or_init(|| Index::of(entries));
        index
            .search(text)
            .into_iter()
            .filter_map(|found| entries.get(found))
            .filter(|entry| visible(&entry.spec().name))
            .take(limit)
            .collect()
    }

    /// Names of tools that `visible` lets through and that are like `name`,
    /// nearest first, at most three.
    #[must_use]
    pub fn close_matches(&self, name: &str, visible: impl Fn(&str) -> bool) -> Vec<&str> {
        let mut near: Vec<(f64, &str)> = self
            .iter()
            .map(|entry| entry.spec().name.as_str())
            .filter(|known| visible(known))
            .map(|known| (strsim::jaro_winkler(known, name), known))
            .filter(|(likeness, _)| *likeness > 0.8)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.into_iter().take(3).map(|(_, name)| name).collect()
    }

    /// What models are told of all tools.
    #[must_use]
    pub fn stub(&self, form: Form) -> String {
        let between = match form {
            Form::Compact | Form::Described | Form::Short => "\n",
            Form::Full => "\n\n\n",
        };
        let stubs: Vec<String> = self.iter().map(|entry| entry.stub(form)).collect();
        stubs.join(between)
    }

    /// Compiles every schema now.
    ///
    /// # Errors
    /// The first schema that cannot be compiled.
    pub fn compile(&self) -> Result<(), Error> {
        for entry in self {
            entry.validator().map_err(|reason| Error::Schema {
                tool: entry.spec().name.clone(),
                which: "parameters",
                at: "its root".to_owned(),
                reason: reason.clone(),
            })?;
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a Toolbox {
    type Item = &'a ToolEntry;
    type IntoIter = std::slice::Iter<'a, ToolEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
