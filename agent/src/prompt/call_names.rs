//! Names of tools that every provider takes.

use std::collections::{BTreeMap, BTreeSet};

use memex_host_tools::ToolEntry;

/// Longest name that providers take.
const NAME_MAX: usize = 64;

/// The names under which tools are sent to models, where they differ from the
/// tools' own: providers take `^[a-zA-Z0-9_-]{1,64}$` and refuse the whole
/// request for any other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CallNames {
    /// The name that is sent, by the tool's own.
    sent: BTreeMap<String, String>,
    /// The tool's own name, by the one that is sent.
    own: BTreeMap<String, String>,
}

impl CallNames {
    /// The names for these tools. Those that providers take stay as they are.
    pub(crate) fn of<'a>(entries: impl Iterator<Item = &'a ToolEntry>) -> Self {
        let names: Vec<&str> = entries.map(|entry| entry.spec().name.as_str()).collect();
        Self::of_names(&names)
    }

    fn of_names(names: &[&str]) -> Self {
        let (fit, unfit): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| is_taken(name));
        let mut taken: BTreeSet<String> = fit.into_iter().map(str::to_owned).collect();
        let mut all = Self::default();
        for name in unfit {
            let base = nearest(name);
            let mut sent = base.clone();
            let mut count = 1_usize;
            while !taken.insert(sent.clone()) {
                count += 1;
                let end = format!("_{count}");
                let room = NAME_MAX.saturating_sub(end.len());
                sent = base.chars().take(room).chain(end.chars()).collect();
            }
            all.own.insert(sent.clone(), name.to_owned());
            all.sent.insert(name.to_owned(), sent);
        }
        all
    }

    /// The name under which a tool is sent.
    pub(crate) fn sent<'a>(&'a self, own: &'a str) -> &'a str {
        self.sent.get(own).map_or(own, String::as_str)
    }

    /// The tool's own name for one that a model calls.
    pub(crate) fn own<'a>(&'a self, sent: &'a str) -> &'a str {
        self.own.get(sent).map_or(sent, String::as_str)
    }
}

fn is_taken(name: &str) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && name.chars().all(is_plain)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn nearest(name: &str) -> String {
    let plain = name
        .chars()
        .take(NAME_MAX)
        .map(|c| if is_plain(c) { c } else { '_' });
    match plain.collect::<String>() {
        empty if empty.is_empty() => "tool".to_owned(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::CallNames;

    #[test]
    fn names_that_providers_refuse_are_sent_under_others() {
        let long = "x".repeat(70);
        let names = [
            "get.user/by-id",
            "get_user_by-id",
            "fine",
            "a.b",
            "a/b",
            &long,
        ];
        let map = CallNames::of_names(&names);
        let sent: Vec<&str> = names.iter().map(|name| map.sent(name)).collect();
        let cut = "x".repeat(64);
        let wanted = [
            "get_user_by-id_2",
            "get_user_by-id",
            "fine",
            "a_b",
            "a_b_2",
            &cut,
        ];
        assert_eq!(sent, wanted);
        for name in names {
            assert_eq!(map.own(map.sent(name)), name);
        }
    }
}
