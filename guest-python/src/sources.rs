//! The guest's own Python, embedded.

/// The files of the package `memex_guest`, by module name, and the text that
/// installs them.
macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        /// The files of the guest's own package, by module name. The package
        /// itself (`__init__`) names the order in which they are run.
        pub const PYTHON_SOURCES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../python/memex_guest/", $name, ".py")))),+
        ];
    };
}

sources!(
    "__init__",
    "agents",
    "alarms",
    "alternatives",
    "answers",
    "arguments",
    "arrays",
    "arrow",
    "awaits",
    "block",
    "bodies",
    "calls",
    "cells",
    "channel",
    "columnar",
    "columns",
    "contexts",
    "costs",
    "containers",
    "decimals",
    "definitions",
    "denials",
    "display",
    "dtypes",
    "entry",
    "exchange",
    "figures",
    "fitting",
    "flat",
    "flow",
    "forks",
    "forms",
    "frames",
    "generators",
    "glances",
    "hashing",
    "instances",
    "integers",
    "isolation",
    "keys",
    "kinds",
    "labels",
    "later",
    "lettering",
    "likeness",
    "locks",
    "loop",
    "machine",
    "magics",
    "maps",
    "notebook",
    "notices",
    "outcome",
    "packages",
    "parquet",
    "pictures",
    "pools",
    "preview",
    "reaching",
    "recorded",
    "records",
    "recovery",
    "remedies",
    "cookies",
    "repeats",
    "replies",
    "requests",
    "results",
    "rewriting",
    "schemas",
    "inventory",
    "scope",
    "settings",
    "shims",
    "sources",
    "strands",
    "streams",
    "tabular",
    "tables",
    "text",
    "threads",
    "toolbox",
    "traces",
    "turn",
    "twins",
    "values",
    "waits",
    "warmup",
    "web",
    "webp",
    "zstandard",
    "zstd",
);

/// The code that installs [`PYTHON_SOURCES`] in a guest that has just started
/// and answers the host's questions about it.
pub const BOOTSTRAP: &str = include_str!("../python/bootstrap.py");

/// The code that brings a guest into the middle of things, one after the
/// other, so that the host sees where the interpreter keeps what it is doing.
pub const SITUATIONS: &str = include_str!("../python/situations.py");

/// The code that prints the addresses of the objects that an image holds.
pub const IMMORTALS: &str = include_str!("../python/immortals.py");
