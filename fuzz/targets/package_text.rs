//! Names, paths and records of package files, and requirements.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    assert_eq!(
        memex_guest_python::fuzzing::check_package_text(text),
        Ok(())
    );
});
