//! A URL that a guest asks for: what passes leads to what was granted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_external::egress::EgressRules;
use memex_policies::HostGrant;
use url::Url;

fuzz_target!(|text: &str| {
    let narrow = HostGrant {
        path_prefix: "/v1".to_owned(),
        ..HostGrant::new("example.com")
    };
    let rules = EgressRules::new([narrow, HostGrant::new("*.example.org")]);
    if let Err(error) = rules.check("GET", text) {
        return assert!(!error.to_string().is_empty());
    }
    let url = Url::parse(text).expect("a URL that passes is one");
    assert_eq!(
        (url.scheme(), url.port_or_known_default()),
        ("https", Some(443))
    );
    assert!(url.username().is_empty() && url.password().is_none());
    let (host, path) = (url.host_str().unwrap_or_default(), url.path());
    let host = host.strip_suffix('.').unwrap_or(host);
    let within = path == "/v1" || path.starts_with("/v1/");
    let lower = path.to_ascii_lowercase();
    let evasive = lower.split('/').any(|part| matches!(part, "." | ".."))
        || ["%2e", "%2f", "%5c", "\\"]
            .iter()
            .any(|part| lower.contains(part));
    assert!(
        host.ends_with(".example.org") || (host == "example.com" && within && !evasive),
        "{text:?}"
    );
});
