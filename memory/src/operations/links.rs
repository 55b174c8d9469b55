//! `go_to_link`: the content of what a link names.

use crate::names::{Names, target, with_ending};
use crate::{Error, Memory, tree};

impl Memory {
    /// `go_to_link`: the text of the file that a link names, or a string that
    /// says why not.
    ///
    /// `[[x]]` is the file `x.md`, anything else a path from the root. In
    /// extended mode a link that names nothing so is tried without what stands
    /// after `|` or `#`, then below `entities/`, then as the name of any file.
    #[must_use]
    pub fn go_to_link(&self, link_string: &str) -> String {
        let path = literal(link_string);
        let mut followed = self.text(&path);
        if self.is_extended()
            && followed.as_ref().is_err_and(Error::is_not_found)
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
        let path = with_ending(target(link));
        for candidate in [&path, &format!("entities/{path}")] {
            if self.check_if_file_exists(candidate) {
                return Some(candidate.clone());
            }
        }
        let files = tree::files(self.root(), false).ok()?;
        let names: Names = files.into_iter().map(|file| file.path).collect();
        names.resolve(link).map(str::to_owned)
    }
}

/// The path that a link stands for literally.
fn literal(link: &str) -> String {
    let inner = link
        .strip_prefix("[[")
        .and_then(|link| link.strip_suffix("]]"));
    inner.map_or_else(|| link.to_owned(), with_ending)
}
