//! Axes: round ticks over a range.

/// The most ticks on an axis.
const TICKS_MAX: usize = 8;

/// A linear axis from one round value to another.
#[derive(Debug)]
pub(super) struct Scale {
    pub(super) ticks: Vec<f64>,
    low: f64,
    high: f64,
    decimals: usize,
}

impl Scale {
    /// An axis on which every finite value has its place.
    pub(super) fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite() && value.abs() < 1e300) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        // A single value, or a range too narrow to be resolved.
        if high - low <= high.abs().max(low.abs()) * 1e-9 {
            let room = if high == 0.0 { 1.0 } else { high.abs() * 0.5 };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / 5.0);
        let first = (low / step).floor();
        let last = (high / step).ceil();
        let count = ((last - first) as usize).min(TICKS_MAX);
        let ticks: Vec<f64> = (0..=count).map(|n| (first + n as f64) * step).collect();
        Self {
            low: first * step,
            high: last * step,
            ticks,
            decimals: (-step.log10().floor()).clamp(0.0, 12.0) as usize,
        }
    }

    /// Where a value stands, from 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// A tick in digits.
    pub(super) fn label(&self, tick: f64) -> String {
        // No tick is minus zero.
        let tick = if tick == 0.0 { 0.0 } else { tick };
        if tick.abs() >= 1e6 {
            return match tick.abs() {
                size if size >= 1e12 => format!("{tick:e}"),
                size if size >= 1e9 => format!("{}G", tick / 1e9),
                _ => format!("{}M", tick / 1e6),
            };
        }
        if tick.abs() >= 1e4 && tick % 100.0 == 0.0 {
            return format!("{}k", tick / 1e3);
        }
        format!("{tick:.*}", self.decimals)
    }
}

/// 1, 2 or 5 times a power of ten, near what is given.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factor = match step / power {
        ratio if ratio <= 1.0 => 1.0,
        ratio if ratio <= 2.0 => 2.0,
        ratio if ratio <= 5.0 => 5.0,
        _ => 10.0,
    };
    factor * power
}
