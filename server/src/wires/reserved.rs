//! Entries of a sandbox's metadata that wires keep for themselves.

use std::collections::BTreeMap;

use crate::error::ServiceError;

const PREFIX: &str = "memex.";

/// The template that the client named.
pub(crate) const TEMPLATE: &str = "memex.template";
/// Whether a request wakes the sandbox when it is paused.
pub(crate) const AUTO_RESUME: &str = "memex.auto-resume";

/// The client's metadata with a wire's own.
///
/// # Errors
/// When the client uses a name that is reserved.
pub(crate) fn with(
    client: BTreeMap<String, String>,
    own: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<BTreeMap<String, String>, ServiceError> {
    if let Some(name) = client.keys().find(|name| name.starts_with(PREFIX)) {
        let name: String = name.chars().take(100).collect();
        return Err(ServiceError::invalid(
            format!("the metadata name {name:?} is reserved"),
            format!("use names that do not begin with {PREFIX}"),
        ));
    }
    let mut all = client;
    all.extend(
        own.into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(all)
}

/// What the client gave.
pub(crate) fn without(all: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    all.iter()
        .filter(|(name, _)| !name.starts_with(PREFIX))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wires_own_entries_are_not_the_clients() {
        let client = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        let all = with(client, [(TEMPLATE, "base".to_owned())]).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(without(&all), BTreeMap::from([("a", "1")]));
        let forged = BTreeMap::from([("memex.template".to_owned(), "x".to_owned())]);
        let error = with(forged, []).unwrap_err();
        assert!(error.message.contains("reserved"), "{error}");
    }
}
