//! Files about models: scripts, recordings, prices, and the line that names one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_models::{ModelConfig, Prices, Replay, ReplayOrder, Script};

fuzz_target!(|text: &str| {
    for kind in ["toml", "json", "jsonl"] {
        said(Script::parse("script", kind, text));
    }
    said(Replay::parse("recording", text, ReplayOrder::Digest));
    said(Prices::none().overlaid("prices", text));
    said(ModelConfig::parse(text));
});

fn said<T>(read: Result<T, memex_models::ModelError>) {
    if let Err(error) = read {
        assert!(!error.to_string().is_empty());
    }
}
