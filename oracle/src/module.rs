//! The module behind which both sides put their imports: one function for each,
//! which passes its arguments on.

use std::fmt::Write;

/// The calls that are compared, each with its parameters: `i` is an `i32`, `l`
/// an `i64`. All answer with an error number.
pub const CALLS: &[(&str, &str)] = &[
    ("clock_res_get", "ii"),
    ("clock_time_get", "ili"),
    ("fd_advise", "illi"),
    ("fd_allocate", "ill"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "il"),
    ("fd_filestat_set_times", "illi"),
    ("fd_pread", "iiili"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_prestat_get", "ii"),
    ("fd_pwrite", "iiili"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiili"),
    ("fd_renumber", "ii"),
    ("fd_seek", "ilii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiilli"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiillii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("random_get", "ii"),
];

/// Pages of its memory.
pub const PAGES: usize = 8;

/// The module, encoded.
pub fn module() -> Vec<u8> {
    let mut text = String::from("(module\n");
    for (name, parameters) in CALLS {
        let types = types(parameters);
        writeln!(
            text,
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {types}) (result i32)))"
        )
        .expect("a string takes everything");
    }
    writeln!(text, "(memory (export \"memory\") {PAGES})").expect("a string takes everything");
    for (name, parameters) in CALLS {
        let types = types(parameters);
        let arguments: String = (0..parameters.len())
            .map(|n| format!("local.get {n} "))
            .collect();
        writeln!(
            text,
            "(func (export \"{name}\") (param {types}) (result i32) {arguments} call ${name})"
        )
        .expect("a string takes everything");
    }
    text.push(')');
    wat::parse_str(text).expect("the module is well formed")
}

fn types(parameters: &str) -> String {
    let types = parameters.chars().map(|c| match c {
        'l' => "i64",
        _ => "i32",
    });
    types.collect::<Vec<_>>().join(" ")
}
