//! TLS, with certificates of an authority that is made for the test.

use crate::client::{Client, PATIENCE};
use crate::world::World;
use memex_tls::Certificates;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

const DOMAIN: &str = "sandboxes.test";

/// Somebody who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// Writes a certificate for all names of the domain, and its key.
    fn write(&self, folder: &TempDir) -> (PathBuf, PathBuf) {
        let names = vec![format!("*.{DOMAIN}")];
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let files = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], certificate.pem()).unwrap();
        std::fs::write(&files[1], key.serialize_pem()).unwrap();
        let [chain, key] = files;
        (chain, key)
    }

    /// A connection whose client trusts this authority alone.
    fn connect(
        &self,
        address: SocketAddr,
        host: &str,
    ) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(memex_tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = StreamOwned::new(connection, stream);
        // The handshake happens now, so that what is wrong with it is said here.
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(stream)
    }

    fn client(&self, world: &World, host: &str, key: &str) -> Client {
        let stream = self.connect(world.address, host).unwrap();
        Client::over(Box::new(stream), host, key)
    }
}

#[test]
fn the_api_and_the_ports_of_sandboxes_are_reached_by_name_over_tls() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (chain, key) = authority.write(&folder);
    let world = World::secure(Certificates::open(&chain, &key).unwrap());
    let (api, own) = (format!("api.{DOMAIN}"), world.key("a"));
    let mut client = authority.client(&world, &api, &own);
    let sandbox = client.sandbox(json!({}));
    assert_eq!(client.value(&sandbox, "6 * 7"), "42");

    // As the clients of E2B do it: the reply names the domain, and ports are names in it.
    let mut control = authority.client(&world, &api, "");
    let made = control
        .post_with(
            "/v2/sandboxes",
            &[("x-api-key", &own)],
            json!({"templateID": "base"}),
        )
        .expect(201)
        .json();
    assert_eq!(made["domain"], DOMAIN);
    let id = made["sandboxID"].as_str().unwrap();
    let token = made["envdAccessToken"].as_str().unwrap();
    let headers = [("x-access-token", token)];
    let mut code = authority.client(&world, &format!("49999-{id}.{DOMAIN}"), "");
    let ran = code
        .post_with(
            "/execute",
            &headers,
            json!({"code": "open('/home/user/a', 'w').write('abc')"}),
        )
        .expect(200);
    assert!(String::from_utf8(ran.body).unwrap().contains("\"3\""));
    let mut files = authority.client(&world, &format!("49983-{id}.{DOMAIN}"), "");
    let read = files.send("GET", "/files?path=/home/user/a", &headers, b"");
    assert_eq!(read.expect(200).body, b"abc");
    // Without the token, the name alone opens nothing.
    let refused = code.post_with("/execute", &[], json!({"code": "1"}));
    assert_eq!(refused.status, 401);
}

#[test]
fn clients_that_do_not_speak_tls_get_nothing_and_hold_nobody_up() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (chain, key) = authority.write(&folder);
    let world = World::secure(Certificates::open(&chain, &key).unwrap());
    let own = world.key("a");
    let mut plain = TcpStream::connect(world.address).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    let request =
        format!("GET /v1/sandboxes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {own}\r\n\r\n");
    plain.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // The system may have told the client that it is not wanted.
    let _end = plain.read_to_end(&mut answer);
    assert!(
        !String::from_utf8_lossy(&answer).contains("HTTP/1.1"),
        "{answer:?}"
    );

    let _silent: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(world.address).unwrap())
        .collect();
    let stranger = Authority::new().connect(world.address, &format!("api.{DOMAIN}"));
    assert!(stranger.is_err(), "the control: certificates are looked at");
    let other_name = authority.connect(world.address, "api.other.test");
    assert!(other_name.is_err(), "and so are names");
    let mut client = authority.client(&world, &format!("api.{DOMAIN}"), &own);
    client.get("/v1/sandboxes").expect(200);
}

#[test]
fn a_certificate_that_is_read_again_is_for_new_connections_and_a_bad_one_changes_nothing() {
    let (old, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (chain, key) = old.write(&folder);
    let certificates = Certificates::open(&chain, &key).unwrap();
    let world = World::secure(Arc::clone(&certificates));
    let (api, own) = (format!("api.{DOMAIN}"), world.key("a"));
    let mut before = old.client(&world, &api, &own);
    before.get("/v1/sandboxes").expect(200);

    let new = Authority::new();
    new.write(&folder);
    certificates.reload(&chain, &key).unwrap();
    before.get("/v1/sandboxes").expect(200);
    assert!(old.connect(world.address, &api).is_err());
    new.client(&world, &api, &own)
        .get("/v1/sandboxes")
        .expect(200);

    let good = std::fs::read(&key).unwrap();
    for (bad, what) in [
        (&b"nothing"[..], "no private key"),
        (
            KeyPair::generate().unwrap().serialize_pem().as_bytes(),
            "cannot be used together",
        ),
    ] {
        std::fs::write(&key, bad).unwrap();
        let error = certificates.reload(&chain, &key).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        new.client(&world, &api, &own)
            .get("/v1/sandboxes")
            .expect(200);
    }
    std::fs::write(&key, good).unwrap();
    let error = certificates.reload(&folder.path().join("none"), &key);
    assert!(error.unwrap_err().to_string().contains("cannot be read"));
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let error = certificates.reload(&empty, &key);
    assert!(error.unwrap_err().to_string().contains("no certificate"));
}
