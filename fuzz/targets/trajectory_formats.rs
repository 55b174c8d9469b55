//! Trajectories of other programs: each format is read or refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_trajectories::formats::{atif, chat, rollout};
use memex_trajectories::{Error, Trajectory, views};

fuzz_target!(|bytes: &[u8]| {
    shown(atif::parse(bytes, "text", None));
    shown(chat::parse(bytes, "text", None));
    shown(rollout::parse(bytes, "text", Some(1)));
});

fn shown(read: Result<Trajectory, Error>) {
    match read {
        Ok(trajectory) => _ = views::trajectory_view(&trajectory),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
