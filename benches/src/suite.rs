//! Choosing figures, and taking them.

use crate::context::Context;
use crate::entry::Entry;
use crate::error::Error;
use crate::figure::Figure;
use crate::figures::figures;

/// Events while figures are taken.
#[derive(Debug)]
pub enum Event<'a> {
    /// This figure is being taken.
    Begin(&'a Entry),
    /// It was taken.
    Taken(&'a Entry, &'a Figure),
    /// It could not be taken; the others are.
    Failed(&'a Entry, &'a Error),
}

/// The figures with these names, or in groups of these names, in the order of
/// [`figures`]; all of them for no names.
///
/// # Errors
/// [`Error::UnknownName`] for a name that neither a figure nor a group has.
pub fn select(names: &[String]) -> Result<Vec<&'static Entry>, Error> {
    let is_named = |entry: &Entry, name: &String| entry.name == name || entry.group == name;
    for name in names {
        if !figures().iter().any(|entry| is_named(entry, name)) {
            return Err(Error::UnknownName { name: name.clone() });
        }
    }
    Ok(figures()
        .iter()
        .filter(|entry| names.is_empty() || names.iter().any(|name| is_named(entry, name)))
        .collect())
}

/// Takes the figures one after the other, and says how many failed.
pub fn run(context: &Context, entries: &[&Entry], mut sink: impl FnMut(Event<'_>)) -> usize {
    let mut failures = 0;
    for entry in entries {
        sink(Event::Begin(entry));
        match (entry.measure)(context) {
            Ok(measured) => sink(Event::Taken(entry, &entry.figure(measured, context))),
            Err(error) => {
                failures += 1;
                sink(Event::Failed(entry, &error));
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use std::borrow::Cow;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_end_in_their_unit() {
        let names: BTreeSet<_> = figures().iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), figures().len());
        let groups: BTreeSet<_> = figures().iter().map(|entry| entry.group).collect();
        assert!(names.is_disjoint(&groups), "a name would select two things");
        for entry in figures() {
            let suffix = match entry.unit {
                "1/s" => "_s",
                "%" => "_pct",
                "KiB" => "_kib",
                "MiB" => "_mib",
                // Of one question in a space each.
                "tokens" if entry.name.contains("_tokens_") => "",
                "1" => "_ratio",
                unit => unit,
            };
            assert!(
                entry.name.ends_with(suffix),
                "{}: {}",
                entry.name,
                entry.unit
            );
        }
    }

    #[test]
    fn selection() {
        let names = |of: &[&str]| {
            let of: Vec<_> = of.iter().map(|&name| name.to_owned()).collect();
            select(&of).map(|entries| entries.iter().map(|entry| entry.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap().len(), figures().len());
        assert_eq!(names(&["turn_pass_us"]).unwrap(), ["turn_pass_us"]);
        assert!(names(&["turns"]).unwrap().contains(&"turn_increment_us"));
        assert!(
            names(&["nonsense"])
                .unwrap_err()
                .to_string()
                .contains("nonsense")
        );
    }

    #[test]
    fn targets() {
        let check = |name: &str, value: f64, wanted: Option<bool>| {
            let entry = figures().iter().find(|entry| entry.name == name).unwrap();
            let figure = Figure {
                name: Cow::Borrowed(entry.name),
                unit: Cow::Borrowed(entry.unit),
                n: 1,
                p50: value,
                p99: value,
                min: value,
                note: String::new(),
                readings: Vec::new(),
                target: entry.target,
            };
            assert_eq!(entry.is_met(&figure), wanted, "{name} {value}");
        };
        check("turn_increment_us", 20.0, Some(true));
        check("turn_increment_us", 20.1, Some(false));
        check("sessions_per_core_s", 6_000.0, Some(true));
        check("sessions_per_core_s", 5_999.0, Some(false));
        check("turn_pass_us", 1e9, None);
    }
}
