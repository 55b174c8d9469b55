//! Which addresses a name may resolve to, and which are connected to.

use crate::servers::{Server, redirect};
use crate::world::{Dialer, Names, PUBLIC, egress, get, grant, public_grant, send};
use memex_external::egress::{AddressClass, Egress, HttpError};
use std::net::{IpAddr, SocketAddr};

use AddressClass::{
    Benchmarking, Broadcast, Documentation, LinkLocal, Loopback, Metadata, Multicast, Private,
    Public, Reserved, Shared, UniqueLocal, Unspecified,
};

/// The edges of every range, and what lies just outside.
const CLASSES: &[(&str, AddressClass)] = &[
    ("0.0.0.0", Unspecified),
    ("0.255.255.255", Unspecified),
    ("1.0.0.0", Public),
    ("9.255.255.255", Public),
    ("10.0.0.0", Private),
    ("10.255.255.255", Private),
    ("11.0.0.0", Public),
    ("100.63.255.255", Public),
    ("100.64.0.0", Shared),
    ("100.100.100.200", Shared),
    ("100.127.255.255", Shared),
    ("100.128.0.0", Public),
    ("126.255.255.255", Public),
    ("127.0.0.1", Loopback),
    ("127.255.255.254", Loopback),
    ("128.0.0.0", Public),
    ("168.63.129.16", Metadata),
    ("169.253.255.255", Public),
    ("169.254.0.0", LinkLocal),
    ("169.254.169.254", LinkLocal),
    ("169.255.0.0", Public),
    ("172.15.255.255", Public),
    ("172.16.0.0", Private),
    ("172.31.255.255", Private),
    ("172.32.0.0", Public),
    ("192.0.0.192", Reserved),
    ("192.0.1.0", Public),
    ("192.0.2.1", Documentation),
    ("192.88.99.1", Reserved),
    ("192.167.255.255", Public),
    ("192.168.0.0", Private),
    ("192.168.255.255", Private),
    ("192.169.0.0", Public),
    ("198.17.255.255", Public),
    ("198.18.0.0", Benchmarking),
    ("198.19.255.255", Benchmarking),
    ("198.20.0.0", Public),
    ("198.51.100.7", Documentation),
    ("203.0.113.7", Documentation),
    ("223.255.255.255", Public),
    ("224.0.0.1", Multicast),
    ("239.255.255.255", Multicast),
    ("240.0.0.0", Reserved),
    ("255.255.255.254", Reserved),
    ("255.255.255.255", Broadcast),
    ("::", Unspecified),
    ("::1", Loopback),
    ("::2", Unspecified),
    ("::ffff:8.8.8.8", Public),
    ("::ffff:127.0.0.1", Loopback),
    ("::ffff:169.254.169.254", LinkLocal),
    ("::10.0.0.1", Private),
    ("::ffff:0:10.0.0.1", Private),
    ("64:ff9b::8.8.8.8", Public),
    ("64:ff9b::10.0.0.1", Private),
    ("64:ff9b::a9fe:a9fe", LinkLocal),
    ("64:ff9b:1::1", Private),
    ("100::1", Reserved),
    ("2001:0:808:808::f7f7:f7f7", Public),
    ("2001:0:808:808::f5ff:fffe", Private),
    ("2001:0:a00:1::f7f7:f7f7", Private),
    ("2001:2::1", Benchmarking),
    ("2001:10::1", Reserved),
    ("2001:20::1", Reserved),
    ("2001:db8::1", Documentation),
    ("2001:200::1", Public),
    ("2001:4860:4860::8888", Public),
    ("2002:808:808::1", Public),
    ("2002:7f00:1::1", Loopback),
    ("2002:c0a8:101::1", Private),
    ("2606:4700::1", Public),
    ("2606:4700::5efe:10.0.0.1", Private),
    ("2606:4700::200:5efe:8.8.8.8", Public),
    ("3fff::1", Documentation),
    ("3fff:1000::1", Public),
    ("4000::1", Reserved),
    ("5f00::1", Reserved),
    ("fbff::1", Reserved),
    ("fc00::1", UniqueLocal),
    ("fd00:ec2::254", UniqueLocal),
    ("fe80::1", LinkLocal),
    ("febf::1", LinkLocal),
    ("fec0::1", Private),
    ("ff02::1", Multicast),
];

#[test]
fn every_range_has_its_class() {
    for (text, class) in CLASSES {
        assert_eq!(AddressClass::of(text.parse().unwrap()), *class, "{text}");
    }
}

/// For every address of the table: what is dialled, with and without a grant
/// of private addresses.
#[tokio::test]
async fn a_name_leads_to_public_addresses_only() {
    let server = Server::with_body("").await;
    let port = server.port;
    let url = format!("http://name.test:{port}/");
    for (text, class) in CLASSES {
        let address: IpAddr = text.parse().unwrap();
        for private in [false, true] {
            let dialer = Dialer::default();
            let mut rule = grant("name.test", port);
            rule.private_addresses = private;
            let egress = egress([rule])
                .resolver(Names::default().with("name.test", &[&[text]]))
                .dialer(dialer.clone())
                .build()
                .unwrap();
            let outcome = send(&egress, get(&url)).await;
            let anywhere = matches!(class, Multicast | Broadcast | Unspecified);
            if *class == Public || (private && !anywhere) {
                outcome.unwrap_or_else(|error| panic!("{text}: {error}"));
                assert_eq!(
                    dialer.dialled(),
                    [SocketAddr::new(address.to_canonical(), port)]
                );
                continue;
            }
            let error = outcome.unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "http://name.test:{port} leads to an address that is not public; it takes a grant with `private_addresses = true`"
                )
            );
            assert_eq!(error.class(), "PermissionError");
            assert!(!error.to_string().contains(text) && error.detail().is_none());
            assert_eq!(dialer.dialled(), []);
        }
    }
}

/// The network of a name whose answers change: public at first.
struct Rebinding {
    server: Server,
    names: Names,
    dialer: Dialer,
    egress: Egress,
    url: String,
}

async fn rebinding(answers: &[&[&str]]) -> Rebinding {
    let server = Server::start(|request| match request.path() {
        "/again" => redirect(302, "/"),
        _ => crate::servers::ok(b"public"),
    })
    .await;
    let names = Names::default().with("rebind.test", answers);
    let dialer = Dialer::default();
    let egress = egress([public_grant("rebind.test", server.port)])
        .resolver(names.clone())
        .dialer(dialer.clone())
        .build()
        .unwrap();
    Rebinding {
        url: format!("http://rebind.test:{}", server.port),
        server,
        names,
        dialer,
        egress,
    }
}

#[tokio::test]
async fn a_name_is_asked_for_once_and_the_answer_is_what_is_connected_to() {
    let world = rebinding(&[&[PUBLIC], &["127.0.0.1"]]).await;
    let response = send(&world.egress, get(&world.url)).await.unwrap();
    assert_eq!(response.body, b"public");
    let public = SocketAddr::new(PUBLIC.parse().unwrap(), world.server.port);
    assert_eq!(world.names.asked(), ["rebind.test"]);
    assert_eq!(world.dialer.dialled(), [public]);
    // The next request asks again, and is refused by what it hears.
    let error = send(&world.egress, get(&world.url)).await.unwrap_err();
    assert!(matches!(error, HttpError::PrivateAddress { .. }), "{error}");
    assert_eq!(world.names.asked().len(), 2);
    assert_eq!(world.dialer.dialled(), [public]);
}

#[tokio::test]
async fn a_redirect_to_the_same_name_is_resolved_and_checked_again() {
    let steady = rebinding(&[&[PUBLIC]]).await;
    let url = format!("{}/again", steady.url);
    assert_eq!(
        send(&steady.egress, get(&url)).await.unwrap().body,
        b"public"
    );
    assert_eq!(steady.names.asked().len(), 2);

    let turning = rebinding(&[&[PUBLIC], &["169.254.169.254"]]).await;
    let url = format!("{}/again", turning.url);
    let error = send(&turning.egress, get(&url)).await.unwrap_err();
    assert!(matches!(error, HttpError::PrivateAddress { .. }), "{error}");
    assert_eq!(turning.server.request().path(), "/again");
    assert_eq!(turning.dialer.dialled().len(), 1);
}

#[tokio::test]
async fn one_private_address_among_public_ones_spoils_the_answer() {
    let answers: [&[&str]; 4] = [
        &[PUBLIC, "10.0.0.1"],
        &["127.0.0.1", PUBLIC],
        &[PUBLIC, "::1", "1.1.1.1"],
        // Beyond the addresses that are tried.
        &[
            "1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "1.1.1.6", "1.1.1.7", "1.1.1.8",
            "1.1.1.9", "fd00::1",
        ],
    ];
    for answer in answers {
        let world = rebinding(&[answer]).await;
        let error = send(&world.egress, get(&world.url)).await.unwrap_err();
        assert!(matches!(error, HttpError::PrivateAddress { .. }), "{error}");
        assert_eq!(world.dialer.dialled(), []);
    }
    let world = rebinding(&[&[PUBLIC, "1.1.1.1"]]).await;
    send(&world.egress, get(&world.url)).await.unwrap();
    assert_eq!(world.dialer.dialled().len(), 1);
}
