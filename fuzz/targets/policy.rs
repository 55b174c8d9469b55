//! A policy file, and an overlay on it: what is accepted is written back and
//! read as the same, and an overlay never widens a limit or a grant.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_policies::{Access, Limits, NATIVE_FAMILIES, Policy};

/// Stands between the two texts of one input.
const SEPARATOR: &str = "\n---\n";

fuzz_target!(|text: &str| {
    let (base, overlay) = text.split_once(SEPARATOR).unwrap_or((text, text));
    let policy = match Policy::parse(base) {
        Ok(policy) => policy,
        Err(_) => Policy::default(),
    };
    let written = policy.to_toml();
    assert_eq!(Policy::parse(&written).as_ref(), Ok(&policy), "{written}");
    if let Ok(narrowed) = policy.narrow(overlay) {
        assert_narrower(&narrowed, &policy);
    }
});

fn assert_narrower(narrowed: &Policy, policy: &Policy) {
    for field in Limits::fields() {
        let (after, before) = (field.read(&narrowed.limits), field.read(&policy.limits));
        // No value means no bound.
        let is_within = match (after, before) {
            (_, None) => true,
            (Some(after), Some(before)) => after <= before,
            (None, Some(_)) => false,
        };
        assert!(is_within, "{}: {before:?} became {after:?}", field.name);
    }
    assert!(!narrowed.scratch.enabled || policy.scratch.enabled);
    for family in NATIVE_FAMILIES {
        assert!(!narrowed.natives.permits(family) || policy.natives.permits(family));
    }
    for directory in &narrowed.directories {
        let is_granted = policy.directories.iter().any(|granted| {
            granted.host == directory.host
                && granted.guest == directory.guest
                && (granted.access == directory.access || directory.access == Access::ReadOnly)
        });
        assert!(is_granted, "{directory:?}");
    }
    for (name, value) in &narrowed.environment {
        assert_eq!(policy.environment.get(name), Some(value));
    }
}
