//! What holds for every text and every policy.

use std::collections::BTreeMap;

use memex_policies::{
    Access, Clock, DirectoryGrant, HostGrant, LimitField, Limits, NATIVE_FAMILIES, Policy, Preset,
    Randomness, Scratch, SharedScratchGrant, ToolGrants, Unit,
};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const TOOLS: &[&str] = &["sql.read", "sql.drop", "sql", "fetch", "files.write", "x"];
const PATTERNS: &[&str] = &["sql.*", "sql*", "sql.read", "sql.drop", "fetch", "f*", "*"];
const HOSTS: &[&str] = &["a.test", "b.a.test", "*.a.test", "*.b.a.test", "192.0.2.7"];
const PATHS: &[&str] = &["/", "/v1", "/v1/x", "/v10"];
const METHODS: &[&str] = &["GET", "HEAD", "POST"];
const DIRECTORIES: &[(&str, &str)] = &[("in", "/in"), ("out", "/out"), ("q\"\\\n\u{7f}", "/é x")];

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = Policy::parse(&text);
        let _ = Policy::default().narrow(&text);
        let _ = Unit::Bytes.parse(&text);
    }

    /// Text that is nearly a policy reaches the code behind the syntax.
    #[test]
    fn nearly_valid_text_never_panics(policy in policies(), cut in any::<prop::sample::Index>(), insert in "[\\PC\n]{0,4}") {
        let text = policy.to_toml();
        let chars: Vec<char> = text.chars().collect();
        let at = cut.index(chars.len());
        let head: String = chars[..at].iter().collect();
        let tail: String = chars[at + 1..].iter().collect();
        for text in [format!("{head}{insert}{tail}"), format!("{head}{insert}")] {
            if let Ok(read) = Policy::parse(&text) {
                prop_assert_eq!(read.validate(), Ok(()));
            }
        }
    }

    #[test]
    fn a_written_policy_reads_back_equal(policy in policies()) {
        prop_assert_eq!(policy.validate(), Ok(()));
        prop_assert_eq!(Policy::parse(&policy.to_toml()), Ok(policy));
    }

    #[test]
    fn narrowing_never_widens(base in policies(), overlay in overlays()) {
        if let Ok(narrowed) = base.narrow(&overlay) {
            assert_within(&narrowed, &base)?;
            prop_assert_eq!(narrowed.validate(), Ok(()));
        }
    }

    /// Taken from the base itself, an overlay is often accepted, so that the
    /// property above is not held by refusals alone.
    #[test]
    fn a_part_of_a_policy_narrows_it(base in policies(), directories in any::<bool>(), network in any::<bool>(), tools in any::<bool>()) {
        let mut part = base.clone();
        if directories { part.directories.clear(); }
        if network { part.network.truncate(1); }
        if tools { part.tools.allow.truncate(1); }
        // An empty list must be said; leaving the section out keeps it.
        let text = part.to_toml();
        let mut overlay = text.lines().filter(|line| !line.starts_with("extends")).collect::<Vec<_>>();
        if part.directories.is_empty() { overlay.insert(0, "directories = []"); }
        if part.network.is_empty() { overlay.insert(0, "network = []"); }
        let narrowed = base.narrow(&overlay.join("\n"));
        prop_assert_eq!(narrowed, Ok(part));
    }

    #[test]
    fn lowering_a_limit_never_widens(base in policies(), index in 0..Limits::fields().len(), value in any::<u64>()) {
        let field = &Limits::fields()[index];
        let current = field.read(&base.limits).unwrap_or(field.maximum);
        for value in [value, value % (current + 2)] {
            if let Ok(narrowed) = base.with_limit(field.name, value) {
                prop_assert_eq!(field.read(&narrowed.limits), Some(value));
                assert_within(&narrowed, &base)?;
            }
        }
    }

    #[test]
    fn a_formatted_size_or_time_reads_back(value in any::<u64>(), shift in 0u32..50) {
        for unit in [Unit::Bytes, Unit::Milliseconds] {
            for value in [value >> shift, (value >> shift >> 14) << 10, value % 1000 * 60_000] {
                let written = unit.format(value).replace(',', "").replace(" bytes", "").replace(" byte", "");
                prop_assert_eq!(unit.parse(&written), Ok(value));
            }
        }
    }
}

fn assert_within(narrow: &Policy, base: &Policy) -> Result<(), TestCaseError> {
    prop_assert_eq!(narrow.preset, base.preset);
    for field in Limits::fields() {
        let (now, before) = (field.read(&narrow.limits), field.read(&base.limits));
        prop_assert!(
            now.unwrap_or(u64::MAX) <= before.unwrap_or(u64::MAX),
            "{}",
            field.name
        );
    }
    for grant in &narrow.directories {
        let held = base.directories.iter().any(|held| {
            held.host == grant.host && held.guest == grant.guest && grant.access <= held.access
        });
        prop_assert!(held);
    }
    prop_assert!(base.scratch.enabled || !narrow.scratch.enabled);
    for family in NATIVE_FAMILIES {
        prop_assert!(base.natives.permits(family) || !narrow.natives.permits(family));
    }
    for (name, value) in &narrow.environment {
        prop_assert_eq!(base.environment.get(name), Some(value));
    }
    prop_assert!(base.clock == Clock::System || base.clock == narrow.clock);
    prop_assert!(base.randomness == Randomness::System || base.randomness == narrow.randomness);
    for name in TOOLS {
        prop_assert!(
            base.tools.permits(name) || !narrow.tools.permits(name),
            "{name}"
        );
    }
    let permits = |policy: &Policy, host: &str, port, method: &str, path: &str| {
        policy
            .network
            .iter()
            .any(|grant| grant.permits(host, port, method, path))
    };
    for host in ["a.test", "b.a.test", "c.b.a.test", "d.test", "192.0.2.7"] {
        for port in [443, 80] {
            for method in METHODS {
                for path in ["/", "/v1", "/v1/x", "/v1/x/y", "/v10", "/v1/../y"] {
                    prop_assert!(
                        permits(base, host, port, method, path)
                            || !permits(narrow, host, port, method, path),
                        "{} {}:{}{}",
                        method,
                        host,
                        port,
                        path
                    );
                }
            }
        }
    }
    Ok(())
}

/// Valid policies of every preset.
fn policies() -> impl Strategy<Value = Policy> {
    let start = (presets(), "[^\\p{Cc}]{1,20}", limits());
    let files = (directories(), any::<bool>(), environment());
    let rest = (clocks(), seeds(), tools(), network());
    (start, files, rest).prop_map(|(start, files, rest)| {
        let (preset, name, limits) = start;
        let (directories, scratch, environment) = files;
        let (clock, randomness, tools, network) = rest;
        let mut policy = Policy::from_preset(preset);
        policy.name = name;
        for (field, share) in Limits::fields().iter().zip(limits) {
            let Some(share) = share else { continue };
            let value = part(field, preset.ceiling(field), share);
            policy.set_limit(field.name, value).unwrap();
        }
        policy.directories = directories
            .into_iter()
            .filter(|grant| preset >= Preset::Workspace || grant.access == Access::ReadOnly)
            .filter(|_| preset >= Preset::ReadFiles)
            .collect();
        policy.clock = clock;
        policy.randomness = randomness;
        if preset >= Preset::Compute {
            policy.scratch = Scratch { enabled: scratch };
            policy.natives.enabled = scratch;
            if scratch && policy.limits.turns.is_multiple_of(2) {
                policy.natives.deny = vec!["kdf".to_owned(), "webp".to_owned()];
            }
            policy.environment = environment;
            policy.ask_user = scratch;
            policy.shared_scratch = (!scratch).then(|| SharedScratchGrant {
                name: "team".to_owned(),
                access: Access::ReadWrite,
            });
            if policy.set_tools(tools).is_err() {
                policy.tools = ToolGrants::default();
            }
        }
        if preset >= Preset::Web {
            for grant in network {
                let _ = policy.grant_host(grant);
            }
        }
        policy
    })
}

/// Overlays of arbitrary grants, some within a policy and some beyond: a few
/// sections, with a few limits, so that not all are refused for their first.
fn overlays() -> impl Strategy<Value = String> {
    let sections = subsequence((0..11).collect::<Vec<usize>>(), 1..=3);
    let limits = subsequence((1..=Limits::fields().len()).collect::<Vec<_>>(), 0..=2);
    (policies(), sections, limits).prop_map(|(mut policy, sections, limits)| {
        policy.preset = Preset::Web;
        let text = policy.to_toml();
        let written: Vec<&str> = text.split("\n\n").skip(1).collect();
        let mut overlay = "version = 1\n".to_owned();
        for section in sections.iter().filter_map(|index| written.get(*index)) {
            let lines = section.lines().enumerate().filter(|(index, _)| {
                !section.starts_with("[limits]") || *index == 0 || limits.contains(index)
            });
            overlay.extend(lines.flat_map(|(_, line)| [line, "\n"]));
        }
        overlay
    })
}

fn presets() -> impl Strategy<Value = Preset> {
    prop_oneof![Just(Preset::Web), select(Preset::ALL.to_vec())]
}

fn limits() -> impl Strategy<Value = Vec<Option<u64>>> {
    let share = prop_oneof![2 => Just(None), 1 => any::<u64>().prop_map(Some)];
    prop::collection::vec(share, Limits::fields().len())
}

/// A value between the minimum and the ceiling, its bounds among them.
fn part(field: &LimitField, ceiling: u64, share: u64) -> u64 {
    match share % 4 {
        0 => field.minimum,
        1 => ceiling,
        _ => field.minimum + share % (ceiling - field.minimum + 1),
    }
}

fn directories() -> impl Strategy<Value = Vec<DirectoryGrant>> {
    let access = select(vec![Access::ReadOnly, Access::ReadWrite]);
    let grants = prop::collection::vec(access, 3).prop_map(|access| {
        let pairs = DIRECTORIES.iter().zip(access);
        pairs
            .map(|((host, guest), access)| DirectoryGrant {
                host: (*host).into(),
                guest: (*guest).to_owned(),
                access,
            })
            .collect::<Vec<_>>()
    });
    grants.prop_flat_map(|grants| subsequence(grants, 0..=3))
}

fn environment() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[a-z \\.\"'é-]{1,6}", "[^\0]{0,12}", 0..3)
}

fn clocks() -> impl Strategy<Value = Clock> {
    let fixed = (0..=i64::MAX as u64, 0..=3_600_000_000_000u64)
        .prop_map(|(unix_ns, step_ns)| Clock::Fixed { unix_ns, step_ns });
    prop_oneof![Just(Clock::System), fixed]
}

fn seeds() -> impl Strategy<Value = Randomness> {
    let seeded = any::<u64>().prop_map(|seed| Randomness::Seeded { seed });
    prop_oneof![Just(Randomness::System), seeded]
}

fn tools() -> impl Strategy<Value = ToolGrants> {
    let some = || {
        subsequence(PATTERNS.to_vec(), 0..=3)
            .prop_map(|list| list.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    (some(), some()).prop_map(|(allow, deny)| ToolGrants { allow, deny })
}

fn network() -> impl Strategy<Value = Vec<HostGrant>> {
    let methods = subsequence(METHODS.to_vec(), 1..=3)
        .prop_map(|list| list.into_iter().map(str::to_owned).collect());
    let ports = select(vec![vec![443], vec![80], vec![443, 80]]);
    let grant = (select(HOSTS), ports, methods, select(PATHS), any::<bool>()).prop_map(
        |(host, ports, methods, path_prefix, private_addresses)| HostGrant {
            host: host.to_owned(),
            ports,
            methods,
            path_prefix: path_prefix.to_owned(),
            private_addresses,
        },
    );
    prop::collection::vec(grant, 0..4)
}
