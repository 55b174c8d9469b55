//! Progress of image builds: bars on a terminal, lines elsewhere.

use crate::console::complain;
use crate::context::Context;
use crate::paint::Paint;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};
use memex_runtime::{Progress, Stage};
use std::time::{Duration, Instant};

/// Bytes of WebAssembly that one core compiles in a second, roughly.
const COMPILE_RATE_BYTES: u64 = 700_000;
/// Stages shorter than this leave no line behind.
const WORTH_A_LINE: Duration = Duration::from_millis(200);

/// Shows the stages of an image build on standard error.
pub(crate) struct Bars {
    mode: Mode,
    paint: Paint,
    current: Option<Current>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bars,
    Lines,
    Silent,
}

struct Current {
    stage: Stage,
    total: Option<u64>,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Bars {
    pub(crate) fn new(context: &Context, quiet: bool) -> Self {
        let mode = match (quiet, context.err.is_terminal) {
            (true, _) => Mode::Silent,
            (false, true) => Mode::Bars,
            (false, false) => Mode::Lines,
        };
        Self {
            mode,
            paint: context.err.paint,
            current: None,
        }
    }
}

impl Progress for Bars {
    fn begin(&mut self, stage: Stage, total: Option<u64>) {
        self.end();
        let label = label(stage, total);
        let bar = match self.mode {
            Mode::Silent => return,
            Mode::Lines => {
                complain(&format!("memex: {label}"));
                None
            }
            Mode::Bars => Some(bar(stage, total, label)),
        };
        self.current = Some(Current {
            stage,
            total,
            began: Instant::now(),
            bar,
        });
    }

    fn advance(&mut self, done: u64) {
        if let Some(Current { bar: Some(bar), .. }) = &self.current {
            bar.set_position(done);
        }
    }

    fn end(&mut self) {
        let Some(Current {
            stage,
            total,
            began,
            bar,
        }) = self.current.take()
        else {
            return;
        };
        let took = began.elapsed();
        if let Some(bar) = bar {
            bar.finish_and_clear();
            if took >= WORTH_A_LINE {
                let done = self.paint.good("✓");
                let figure = figure(stage, total, took);
                complain(&format!(
                    "{done} {} {}",
                    stage.label(),
                    self.paint.faint(&figure)
                ));
            }
        } else if took >= Duration::from_secs(1) {
            complain(&format!(
                "memex: {} {}",
                stage.label(),
                figure(stage, total, took)
            ));
        }
    }

    fn note(&mut self, text: &str) {
        let line = format!("{} {text}", self.paint.warn("note:"));
        match &self.current {
            Some(Current { bar: Some(bar), .. }) => bar.suspend(|| complain(&line)),
            _ => complain(&line),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        if let Some(Current { bar: Some(bar), .. }) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}

fn in_bytes(stage: Stage) -> bool {
    matches!(
        stage,
        Stage::Fetch | Stage::Verify | Stage::Push | Stage::Pull
    )
}

fn label(stage: Stage, total: Option<u64>) -> String {
    match (stage, total) {
        (Stage::Compile, Some(bytes)) => {
            let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
            let about = Duration::from_secs(bytes / COMPILE_RATE_BYTES / cores + 5);
            format!(
                "{}, once: about {} on {cores} core{}",
                stage.label(),
                HumanDuration(about),
                if cores == 1 { "" } else { "s" }
            )
        }
        (_, Some(bytes)) if in_bytes(stage) => format!("{} ({})", stage.label(), HumanBytes(bytes)),
        _ => stage.label().to_owned(),
    }
}

fn figure(stage: Stage, total: Option<u64>, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    match total {
        Some(bytes) if in_bytes(stage) => {
            let rate = HumanBytes((bytes as f64 / seconds.max(0.001)) as u64);
            format!("{} in {seconds:.1} s, {rate}/s", HumanBytes(bytes))
        }
        Some(steps) if stage == Stage::Warm => format!("{steps} steps in {seconds:.1} s"),
        _ => format!("in {seconds:.1} s"),
    }
}

fn bar(stage: Stage, total: Option<u64>, label: String) -> ProgressBar {
    let template = match stage {
        _ if in_bytes(stage) => {
            "{msg:34} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta:>4}"
        }
        Stage::Warm => "{msg:34} {wide_bar} {pos}/{len} steps, {eta} left",
        _ => "{spinner} {msg} … {elapsed}",
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = match (stage, total) {
        (Stage::Warm, Some(total)) => ProgressBar::new(total),
        (stage, Some(total)) if in_bytes(stage) => ProgressBar::new(total),
        _ => ProgressBar::new_spinner(),
    };
    bar.set_style(style);
    bar.set_message(label);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
