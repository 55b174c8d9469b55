//! The table of limits and the units in which people write.

use memex_policies::{Error, Limits, Policy, Preset, Unit};

#[test]
fn every_limit_is_accepted_at_its_bounds_and_refused_past_them() {
    for field in Limits::fields() {
        let mut policy = Policy::default();
        for value in [field.minimum, field.maximum] {
            policy.set_limit(field.name, value).unwrap();
            assert_eq!(policy.limits.get(field.name).unwrap(), Some(value));
        }
        let before = policy.clone();
        let below = field.minimum.checked_sub(1).map(|value| (value, "minimum"));
        for (value, bound) in [below, Some((field.maximum + 1, "maximum"))]
            .into_iter()
            .flatten()
        {
            let text = policy.set_limit(field.name, value).unwrap_err().to_string();
            assert!(text.contains(&format!("`{}`", field.name)), "{text}");
            assert!(text.contains(&format!("{bound} is")), "{text}");
            assert_eq!(policy, before);
        }
    }
}

#[test]
fn every_limit_is_described_and_has_a_default_in_range() {
    assert_eq!(Limits::fields().len(), 30);
    for field in Limits::fields() {
        assert!(field.meaning.ends_with('.'), "{}", field.name);
        assert!(field.minimum < field.maximum, "{}", field.name);
        match field.default_value() {
            Some(value) => field.check(value).unwrap(),
            None => assert_eq!(field.name, "fuel"),
        }
        for preset in Preset::ALL {
            assert!(preset.ceiling(field) <= field.maximum);
            assert!(field.read(&preset.limits()).unwrap_or(0) <= preset.ceiling(field));
        }
        let unit = match field.name.rsplit('_').next().unwrap() {
            "ms" => Unit::Milliseconds,
            "bytes" => Unit::Bytes,
            "fuel" => Unit::Fuel,
            _ => Unit::Count,
        };
        assert_eq!(field.unit, unit, "{}", field.name);
    }
}

#[test]
fn names_are_found_in_both_spellings_and_typos_are_told() {
    let limits = Limits::default();
    assert_eq!(limits.get("guest-time-ms").unwrap(), Some(10_000));
    assert_eq!(limits.get("guest_time_ms").unwrap(), Some(10_000));
    assert_eq!(limits.get("fuel").unwrap(), None);
    assert_eq!(
        limits.get("stdout_byte").unwrap_err().to_string(),
        "there is no limit `stdout_byte`\n  hint: did you mean `stdout_bytes`?"
    );
}

#[test]
fn quantities_are_read() {
    let cases = [
        (Unit::Milliseconds, "250", Some(250)),
        (Unit::Milliseconds, "250ms", Some(250)),
        (Unit::Milliseconds, " 2 s ", Some(2_000)),
        (Unit::Milliseconds, "5min", Some(300_000)),
        (Unit::Milliseconds, "5m", Some(300_000)),
        (Unit::Milliseconds, "1H", Some(3_600_000)),
        (Unit::Milliseconds, "1.5s", None),
        (Unit::Milliseconds, "1MiB", None),
        (Unit::Milliseconds, "-1s", None),
        (Unit::Milliseconds, "s", None),
        (Unit::Milliseconds, "", None),
        (Unit::Bytes, "64MiB", Some(64 << 20)),
        (Unit::Bytes, "64 mib", Some(64 << 20)),
        (Unit::Bytes, "1GiB", Some(1 << 30)),
        (Unit::Bytes, "1MB", Some(1_000_000)),
        (Unit::Bytes, "1_000 kB", Some(1_000_000)),
        (Unit::Bytes, "7B", Some(7)),
        (Unit::Bytes, "1_", None),
        (Unit::Bytes, "_1", None),
        (Unit::Bytes, "2s", None),
        (Unit::Bytes, "16777216TiB", None),
        (Unit::Bytes, "16777215TiB", Some(16_777_215 << 40)),
        (Unit::Bytes, "18446744073709551616", None),
        (Unit::Count, "10_000", Some(10_000)),
        (Unit::Count, "10k", None),
        (Unit::Fuel, "5", Some(5)),
    ];
    for (unit, text, expected) in cases {
        assert_eq!(unit.parse(text).ok(), expected, "{text:?} as {unit:?}");
    }
    let error = Unit::Bytes.parse("2s").unwrap_err();
    assert!(matches!(error, Error::Quantity { .. }));
}

#[test]
fn quantities_are_written_exactly() {
    let cases = [
        (Unit::Milliseconds, 0, "0 ms"),
        (Unit::Milliseconds, 250, "250 ms"),
        (Unit::Milliseconds, 1_500, "1,500 ms"),
        (Unit::Milliseconds, 90_000, "90 s"),
        (Unit::Milliseconds, 120_000, "2 min"),
        (Unit::Milliseconds, 7_200_000, "2 h"),
        (Unit::Bytes, 1, "1 byte"),
        (Unit::Bytes, 1_000_000, "1,000,000 bytes"),
        (Unit::Bytes, 1_536, "1,536 bytes"),
        (Unit::Bytes, 64 << 20, "64 MiB"),
        (Unit::Count, 4_096, "4,096"),
        (Unit::Fuel, 1, "1 unit of fuel"),
        (Unit::Fuel, 1_000, "1,000 units of fuel"),
    ];
    for (unit, value, expected) in cases {
        assert_eq!(unit.format(value), expected);
    }
}

#[test]
fn a_limit_reads_text_within_its_range() {
    let field = Limits::field("guest-time-ms").unwrap();
    assert_eq!(field.parse("2s").unwrap(), 2_000);
    assert!(matches!(field.parse("0"), Err(Error::LimitRange { .. })));
    assert!(matches!(field.parse("2 MiB"), Err(Error::Quantity { .. })));
}

#[test]
fn deny_all_can_be_lowered_and_not_raised() {
    let mut policy = Policy::from_preset(Preset::DenyAll);
    policy.set_limit("guest_time_ms", 1_000).unwrap();
    policy.set_limit("guest_time_ms", 2_000).unwrap();
    assert_eq!(
        policy
            .set_limit("guest_time_ms", 2_001)
            .unwrap_err()
            .to_string(),
        "preset `deny-all` does not permit `guest_time_ms` = 2,001 ms; its maximum there is 2 s\n  hint: write `extends = \"compute\"`"
    );
    // Fuel is off in the preset, so that any amount lowers it.
    policy.set_limit("fuel", 1_000_000_000_000_000).unwrap();
}

#[test]
fn with_limit_only_lowers() {
    let policy = Policy::default();
    let lower = policy.with_limit("wall-time-ms", 59_999).unwrap();
    assert_eq!(lower.limits.wall_time_ms, 59_999);
    assert_eq!(policy.with_limit("wall_time_ms", 60_000).unwrap(), policy);
    assert_eq!(
        policy
            .with_limit("wall-time-ms", 60_001)
            .unwrap_err()
            .to_string(),
        "`limits.wall_time_ms` may only be narrowed: it is 1 min, and 60,001 ms was asked"
    );
    let metered = policy.with_limit("fuel", 100).unwrap();
    assert_eq!(metered.limits.fuel, Some(100));
    assert!(metered.with_limit("fuel", 101).is_err());
}
