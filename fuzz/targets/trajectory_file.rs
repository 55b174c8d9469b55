//! A trajectory's file: what is read can be shown in every way there is, and
//! written in every format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_trajectories::formats::{atif, chat, rollout};
use memex_trajectories::{Trajectory, TrajectoryReader, report, spans, views};

fuzz_target!(|bytes: &[u8]| {
    let read = TrajectoryReader::new(bytes, "run").and_then(|reader| reader.collect_all());
    match read {
        Ok(loaded) => show(&loaded.trajectory),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

fn show(trajectory: &Trajectory) {
    let _view = views::trajectory_view(trajectory);
    let page = report::report("title", std::slice::from_ref(trajectory));
    // The one that is the page's own.
    assert_eq!(page.matches("<script").count(), 1);
    let _spans = spans::to_otlp_line(trajectory, spans::SpanOptions::default());
    if let Ok(line) = atif::to_line(trajectory) {
        atif::parse(line.as_bytes(), "written", None).expect("what was written reads");
    }
    if let Ok(line) = chat::to_line(trajectory, chat::ChatOptions::default()) {
        chat::parse(line.as_bytes(), "written", None).expect("what was written reads");
    }
    let _ = rollout::to_line;
}
