//! Whatever is written as a URL: no panic, and no way around the rules.

use crate::world::{Dialer, Names, PUBLIC, egress, get, public_grant, send};
use memex_external::egress::{AddressClass, HttpError};
use proptest::prelude::*;

const GRANTED: &str = "api.example.test";

/// Pieces from which confusing URLs are made.
fn pieces() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "http://",
        "https://",
        "HTTP:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        ".",
        "..",
        "%2e",
        "%40",
        "%00",
        "[",
        "]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.0.0.1",
        "0x7f.1",
        "0177.1",
        "2130706433",
        "169.254.169.254",
        "localhost",
        "evil.test",
        "api.example.test",
        "api.example.test.",
        "API.EXAMPLE.TEST",
        "api。example.test",
        "user:pw@",
        "8443",
        "80",
        "443",
        ";",
        "\t",
        "\r\n",
        " ",
        "xn--",
        "ü",
        "１",
        "file:",
        "/v1",
        "/../",
        "%252e",
    ]);
    prop_oneof![4 => fixed.prop_map(str::to_owned), 1 => "\\PC{0,4}"]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    /// Only the granted name is ever looked up, and only its address dialled,
    /// on a granted port.
    #[test]
    fn no_spelling_leads_elsewhere(
        url in prop_oneof![
            prop::collection::vec(pieces(), 0..8).prop_map(|parts| parts.concat()),
            prop::collection::vec(pieces(), 0..6).prop_map(|parts| format!("http://{}", parts.concat())),
            prop::collection::vec(pieces(), 0..6)
                .prop_map(|parts| format!("http://{GRANTED}{}", parts.concat())),
        ],
    ) {
        // Names resolve to a public address whatever they are: the rules alone keep them out.
        let names = Names::default();
        let names = ["evil.test", "localhost", GRANTED]
            .iter()
            .fold(names, |names, name| names.with(name, &[&[PUBLIC]]));
        let dialer = Dialer::default();
        let mut rule = public_grant(GRANTED, 9);
        rule.ports = vec![9, 80];
        let egress = egress([rule, public_grant("127.0.0.1", 80)])
            .resolver(names.clone())
            .dialer(dialer.clone())
            .build()
            .unwrap();
        // Nobody listens on these ports; to be refused there is to have passed.
        let error = runtime().block_on(send(&egress, get(&url))).unwrap_err();
        prop_assert!(names.asked().iter().all(|name| name == GRANTED), "{url}: {error}");
        for address in dialer.dialled() {
            prop_assert_eq!(address.ip().to_string(), PUBLIC);
            prop_assert!([9, 80].contains(&address.port()));
        }
        let passed = matches!(error, HttpError::Connection { .. });
        prop_assert_eq!(passed, !dialer.dialled().is_empty(), "{}: {}", url, error);
        prop_assert!(!error.to_string().contains(['\r', '\n', '\0']));
    }

    /// A private address is private in every notation.
    #[test]
    fn no_notation_makes_an_address_public(bits in any::<u32>(), form in 0_usize..7) {
        let [a, b, c, d] = bits.to_be_bytes();
        let host = match form {
            0 => format!("{a}.{b}.{c}.{d}"),
            1 => format!("0x{a:x}.0{b:o}.{c}.{d}"),
            2 => format!("{bits}"),
            3 => format!("0{bits:o}"),
            4 => format!("{a}.{}", bits & 0x00ff_ffff),
            5 => format!("[::ffff:{a}.{b}.{c}.{d}]"),
            _ => format!("[64:ff9b::{:x}:{:x}]", bits >> 16, bits & 0xffff),
        };
        let address = std::net::Ipv4Addr::from(bits);
        let is_public = AddressClass::of(address.into()) == AddressClass::Public;
        let granted = match form {
            6 => host.trim_matches(['[', ']']).parse::<std::net::Ipv6Addr>().unwrap().to_string(),
            _ => address.to_string(),
        };
        let rules = memex_external::egress::EgressRules::new([public_grant(&granted, 80)]);
        let outcome = rules.check("GET", &format!("http://{host}/"));
        match outcome {
            Ok(()) => prop_assert!(is_public, "{host}"),
            Err(HttpError::PrivateAddress { .. }) => prop_assert!(!is_public, "{host}"),
            Err(error) => prop_assert!(false, "{host}: {error}"),
        }
    }

    /// Methods, headers and bodies of any kind are sent or refused.
    #[test]
    fn no_request_panics(
        method in "\\PC{0,8}|GET|post",
        name in "\\PC{0,8}|[a-z-]{1,9}",
        value in any::<String>(),
        url in any::<String>(),
        at_granted in any::<bool>(),
    ) {
        let egress = egress([public_grant(GRANTED, 9)]).build().unwrap();
        let url = if at_granted { format!("http://{GRANTED}:9/{url}") } else { url };
        let mut request = get(url);
        request.method = method;
        request.headers = vec![(name, value)];
        runtime().block_on(send(&egress, request)).unwrap_err();
    }
}
