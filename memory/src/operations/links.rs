//! `go_to_link`: the content of what a link names.

use crate::names::candidates;
use crate::target::{targets, with_ending};
use crate::{Error, Memory, markdown};

impl Memory {
    /// `go_to_link`: the text of the file that a link names, or a string that
    /// says why not.
    ///
    /// `[[x]]` is the file `x.md`, anything else a path from the root. In
    /// extended mode a link that names nothing so is read as people write links:
    /// `[text](address)`, with `%20`, an alias after `|`, a heading after `#`, a
    /// leading slash; below `entities/`, as the name of any file in whatever
    /// case and normal form, or as an alias in a file's frontmatter.
    #[must_use]
    pub fn go_to_link(&self, link_string: &str) -> String {
        let path = literal(link_string);
        let mut followed = self.text(&path);
        if self.is_extended()
            && followed.as_ref().is_err_and(is_elsewhere)
            && let Some(resolved) = self.resolve_link(link_string)
        {
            followed = self.text(&resolved);
        }
        match followed {
            Ok(text) => text,
            Err(error) => match self.explained(error) {
                Error::NotAFile { .. } => format!("Error: {path} is not a file"),
                error if error.is_not_found() => format!("Error: File {path} not found"),
                error if error.is_denied() => {
                    format!("Error: Permission denied accessing {link_string}")
                }
                error => format!("Error: {error}"),
            },
        }
    }

    /// The file that a link means when read with good will.
    fn resolve_link(&self, link: &str) -> Option<String> {
        let targets = targets(link);
        let literal = targets.iter().flat_map(|target| candidates(target));
        let mut literal = literal.into_iter();
        if let Some(path) = literal.find(|path| self.check_if_file_exists(path)) {
            return Some(path);
        }
        let mut index = self.link_index();
        let names = index.names(self.root()).ok()?;
        if let Some(path) = names.by_name(&targets) {
            return Some(path.to_owned());
        }
        let aliases = |path: &str| Some(markdown::aliases(&self.text(path).ok()?));
        index.aliased(self.root(), &names, &targets, &aliases)
    }
}

/// Whether a link that failed so may be one that is written in another form. An absolute path
/// is one: people write links from the root of a vault so.
fn is_elsewhere(error: &Error) -> bool {
    error.is_not_found() || matches!(error, Error::Outside { .. })
}

/// The path that a link stands for literally.
fn literal(link: &str) -> String {
    let inner = link
        .strip_prefix("[[")
        .and_then(|link| link.strip_suffix("]]"));
    inner.map_or_else(|| link.to_owned(), with_ending)
}
