//! Keys from passwords, through `hashlib`.

use memex_tests::{check_turns, nothing, raises, session, value};

#[test]
fn hashlib_derives_keys() {
    check_turns(
        &mut session(),
        &[
            ("import hashlib", nothing()),
            (
                "hashlib.pbkdf2_hmac('sha256', b'Password', b'NaCl', 80000).hex()",
                value("'4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56'"),
            ),
            (
                "hashlib.pbkdf2_hmac('SHA-1', bytearray(b'password'), memoryview(b'salt'), 4096, dklen=10).hex()",
                value("'4b007901b765489abead'"),
            ),
            (
                "len(hashlib.pbkdf2_hmac('sha512', b'', b'', 1))",
                value("64"),
            ),
            (
                "hashlib.scrypt(b'pleaseletmein', salt=b'SodiumChloride', n=16384, r=8, p=1, dklen=8).hex()",
                value("'7023bdcb3afd7348'"),
            ),
            (
                "hashlib.pbkdf2_hmac('sha256', b'p', b's', 0)",
                raises("ValueError", &["iteration value must be greater than 0."]),
            ),
            (
                "hashlib.pbkdf2_hmac('sha256', b'p', b's', 1, 0)",
                raises("ValueError", &["key length must be greater than 0."]),
            ),
            (
                "hashlib.pbkdf2_hmac('nope', b'p', b's', 1)",
                raises("ValueError", &["unsupported hash type nope"]),
            ),
            (
                "hashlib.pbkdf2_hmac('sha256', 'p', b's', 1)",
                raises("TypeError", &["bytes-like object is required"]),
            ),
            (
                "hashlib.scrypt(b'p', salt=b's', n=1000, r=8, p=1)",
                raises("ValueError", &["n must be a power of 2."]),
            ),
            (
                "hashlib.scrypt(b'p', salt=b's', n=2**15, r=8, p=1)",
                raises("ValueError", &["Invalid parameter combination"]),
            ),
            (
                "hashlib.scrypt(b'p', salt=b's', n=2**15, r=8, p=1, maxmem=64 * 2**20, dklen=4).hex()",
                value("'b6443b14'"),
            ),
            (
                "'pbkdf2_hmac' in hashlib.__all__, 'scrypt' in hashlib.__all__",
                value("(True, True)"),
            ),
        ],
    );
}
