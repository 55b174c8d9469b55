//! Keys as the standards have them.

use super::{WIDE, call, call_until, call_within, part};
use memex_natives::{Bounds, Refusal};
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pbkdf2(hash: &str, iterations: u64, length: u64) -> Value {
    json!({"name": "kdf.pbkdf2", "hash": hash, "iterations": iterations, "length": length})
}

fn scrypt(n: u64, r: u64, p: u64, length: u64) -> Value {
    json!({"name": "kdf.scrypt", "n": n, "r": r, "p": p, "length": length})
}

#[test]
fn pbkdf2_gives_the_keys_of_the_rfcs() {
    for (hash, password, salt, iterations, key) in [
        // RFC 6070.
        (
            "sha1",
            "password",
            "salt",
            1,
            "0c60c80f961f0e71f3a9b524af6012062fe037a6",
        ),
        (
            "sha1",
            "password",
            "salt",
            4096,
            "4b007901b765489abead49d926f721d065a429c1",
        ),
        (
            "sha1",
            "passwordPASSWORDpassword",
            "saltSALTsaltSALTsaltSALTsaltSALTsalt",
            4096,
            "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
        ),
        (
            "sha1",
            "pass\0word",
            "sa\0lt",
            4096,
            "56fa6aa75548099dcc37d7f03425e0c3",
        ),
        // RFC 7914.
        (
            "sha256",
            "passwd",
            "salt",
            1,
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
             49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
        ),
        (
            "sha256",
            "Password",
            "NaCl",
            80_000,
            "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56\
             a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
        ),
        // Python's own `hashlib`, with OpenSSL.
        ("md5", "password", "salt", 7, MD5),
        ("sha224", "password", "salt", 7, SHA224),
        ("sha384", "password", "salt", 7, SHA384),
        ("sha512", "password", "salt", 7, SHA512),
    ] {
        let length = key.len() as u64 / 2;
        let parts = [password.as_bytes(), salt.as_bytes()];
        let answer = call(&pbkdf2(hash, iterations, length), &parts).unwrap();
        assert_eq!(hex(&part(answer)), key, "{hash} {iterations}");
    }
}

const MD5: &str = "5bd6ce9d30dd772f65a20efc4fc311bd";
const SHA224: &str = "af2d8b161503788ebf09e0ae2a429e9ca648c84e4c3b95750878dc94";
const SHA384: &str = "39547211340a919101873ea45a3c6200c495b211b58ea2e06b5e37b1020b66a8\
    dcddba1c3ea537ff78508f7bca87de6d";
const SHA512: &str = "12736d97637121636d9d428fadc4ead5ae845254131257f29bfae670d38ba596\
    5ec077795b86171a1589d4ad87ad10f48fba8f1b503d0ec40fb762bbd60d4e94";

#[test]
fn scrypt_gives_the_keys_of_the_rfc() {
    for (password, salt, (n, r, p), key) in [
        (
            "",
            "",
            (16, 1, 1),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
             fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
        ),
        (
            "password",
            "NaCl",
            (1024, 8, 16),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
             2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640",
        ),
        (
            "pleaseletmein",
            "SodiumChloride",
            (16_384, 8, 1),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
             d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887",
        ),
    ] {
        let answer = call(
            &scrypt(n, r, p, 64),
            &[password.as_bytes(), salt.as_bytes()],
        );
        assert_eq!(hex(&part(answer.unwrap())), key, "{n}");
    }
}

#[test]
fn what_a_key_may_cost_is_bounded() {
    let parts: [&[u8]; 2] = [b"password", b"salt"];
    for wrong in [
        pbkdf2("sha256", 0, 32),
        pbkdf2("sha256", 1, 0),
        pbkdf2("whirlpool", 1, 32),
        scrypt(1, 8, 1, 64),
        scrypt(1000, 8, 1, 64),
        scrypt(1024, 0, 1, 64),
        scrypt(1024, 1 << 20, 1 << 20, 64),
        scrypt(1 << 63, 8, 1, 64),
    ] {
        assert!(call(&wrong, &parts).is_err(), "{wrong}");
    }
    // The table of scrypt: 128 * 8 * 2**14 bytes.
    let bounds = Bounds {
        working_bytes_max: 16 << 20,
        ..WIDE
    };
    assert!(matches!(
        call_within(bounds, &scrypt(1 << 14, 8, 1, 64), &parts),
        Err(Refusal::WorkingBytes { .. })
    ));
    assert!(call_within(bounds, &scrypt(1 << 13, 8, 1, 64), &parts).is_ok());
    for endless in [
        pbkdf2("sha512", u64::MAX, 32),
        pbkdf2("sha1", 1, 32 << 20),
        scrypt(2, 1, (1 << 30) - 1, 32),
        scrypt(1 << 18, 8, 1, 32),
    ] {
        let (answer, looks) = call_until(5, &endless, &parts);
        let is_left = matches!(
            answer,
            Err(Refusal::Interrupted | Refusal::WorkingBytes { .. })
        );
        assert!(is_left && looks <= 6, "{endless}: {answer:?}");
    }
    let bounds = Bounds {
        work_max: Some(1_000_000),
        ..WIDE
    };
    assert_eq!(
        call_within(bounds, &pbkdf2("sha256", 1_000, 32), &parts),
        Err(Refusal::Fuel)
    );
    assert!(call_within(bounds, &pbkdf2("sha256", 100, 32), &parts).is_ok());
}
