//! TLS with real certificates: the right one, and every wrong one.

use crate::servers::{Server, ok};
use crate::world::{Dialer, Names, PUBLIC, egress, get, grant, public_grant, send};
use memex_external::egress::{HttpError, Secret};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn config(authority: &Authority, names: &[&str], is_expired: bool) -> ServerConfig {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    if is_expired {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(memex_tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

#[tokio::test]
async fn a_certificate_must_be_valid_for_the_name_and_of_a_known_issuer() {
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let cases = [
        (config(&ours, &["api.example.test"], false), None),
        (config(&ours, &["*.example.test"], false), None),
        (
            config(&ours, &["other.example.test"], false),
            Some("its certificate is for another name"),
        ),
        (
            config(&ours, &["api.example.test"], true),
            Some("its certificate has expired"),
        ),
        (
            config(&theirs, &["api.example.test"], false),
            Some("its certificate is of an unknown issuer"),
        ),
    ];
    for (config, fault) in cases {
        let server = Server::start_tls(config, |_| ok(b"private")).await;
        let origin = format!("https://api.example.test:{}", server.port);
        let secret = Secret::header("api.example.test", "x-key", "0123456789").ports([server.port]);
        let egress = egress([grant("api.example.test", server.port)])
            .extra_root_certificates(ours.pem())
            .secret(secret)
            .build()
            .unwrap();
        let outcome = send(&egress, get(&origin)).await;
        match fault {
            None => {
                assert_eq!(outcome.unwrap().body, b"private");
                assert_eq!(server.request().values("x-key"), ["0123456789"]);
            }
            Some(reason) => {
                let error = outcome.unwrap_err();
                assert_eq!(error.to_string(), format!("{origin}: {reason}"));
                assert_eq!(error.class(), "ConnectionError");
                assert!(server.requests().is_empty());
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_trusted_that_was_not_named() {
    let authority = authority("ours");
    let server = Server::start_tls(config(&authority, &["api.example.test"], false), |_| {
        ok(b"")
    })
    .await;
    let egress = egress([grant("api.example.test", server.port)])
        .build()
        .unwrap();
    let error = send(
        &egress,
        get(format!("https://api.example.test:{}", server.port)),
    )
    .await
    .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("its certificate is of an unknown issuer"),
        "{error}"
    );
}

/// The certificate is for the name, the connection to the address that was checked.
#[tokio::test]
async fn the_name_is_verified_and_the_address_pinned() {
    let authority = authority("ours");
    let server = Server::start_tls(
        config(&authority, &["name.test", "127.0.0.1"], false),
        |_| ok(b"here"),
    )
    .await;
    let dialer = Dialer::default();
    let egress = egress([
        public_grant("name.test", server.port),
        grant("127.0.0.1", server.port),
    ])
    .extra_root_certificates(authority.pem())
    .resolver(Names::default().with("name.test", &[&[PUBLIC], &["10.0.0.1"]]))
    .dialer(dialer.clone())
    .build()
    .unwrap();
    let url = format!("https://NAME.test.:{}/", server.port);
    assert_eq!(send(&egress, get(&url)).await.unwrap().body, b"here");
    assert_eq!(dialer.dialled()[0].ip().to_string(), PUBLIC);
    let error = send(&egress, get(&url)).await.unwrap_err();
    assert!(matches!(error, HttpError::PrivateAddress { .. }), "{error}");
    // An address as the host is verified as an address.
    let url = format!("https://2130706433:{}/", server.port);
    assert_eq!(send(&egress, get(&url)).await.unwrap().body, b"here");
}

#[tokio::test]
async fn plain_text_where_tls_is_due_fails_and_the_other_way_round() {
    let authority = authority("ours");
    let plain = Server::with_body("").await;
    let tls = Server::start_tls(config(&authority, &["api.example.test"], false), |_| {
        ok(b"")
    })
    .await;
    for (scheme, server) in [("https", &plain), ("http", &tls)] {
        let egress = egress([grant("api.example.test", server.port)])
            .extra_root_certificates(authority.pem())
            .build()
            .unwrap();
        let url = format!("{scheme}://api.example.test:{}", server.port);
        let mut request = get(&url);
        request.timeout = Some(std::time::Duration::from_millis(500));
        let error = send(&egress, request).await.unwrap_err();
        assert!(
            matches!(error.class(), "ConnectionError" | "TimeoutError"),
            "{error:?}"
        );
        assert!(server.requests().is_empty());
    }
}

#[test]
fn text_without_certificates_is_refused() {
    for pem in [
        "",
        "not a certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let error = egress([]).extra_root_certificates(pem).build().unwrap_err();
        assert!(
            error.to_string().starts_with("the root certificates: "),
            "{error}"
        );
    }
}
