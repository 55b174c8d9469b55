//! Accuracy against cost, as SVG.

use std::fmt::Write;

use maud::{Markup, html};

use super::Interval;
use super::pareto::pareto_front;
use super::scale::Scale;
use super::svg::{CHARACTER, plain, round, shortened};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 460.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 84.0;
const LINE: f64 = 13.0;
/// Labels are cut at this length.
const LABEL_MAX_CHARS: usize = 32;
/// Distinguishable for people who do not see all colours.
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000",
];

/// A plot of points, of which those that no other beats are joined by a line:
/// least cost to the left, highest gain on top.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ParetoPlot {
    /// What stands above.
    pub title: String,
    /// What the cost is, such as `cost per task (USD)`.
    pub x_label: String,
    /// What the gain is, such as `accuracy`.
    pub y_label: String,
    /// The points, a colour each series.
    pub series: Vec<Series>,
}

/// Points of one colour.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points.
    pub points: Vec<PlotPoint>,
}

/// A point. It is left out if it is not finite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlotPoint {
    /// Its name.
    pub label: String,
    /// The cost.
    pub x: f64,
    /// The gain.
    pub y: f64,
    /// Where the gain lies with confidence.
    pub interval: Option<Interval>,
}

struct Drawn<'a> {
    point: &'a PlotPoint,
    colour: &'static str,
    x: f64,
    y: f64,
}

#[derive(Clone, Copy)]
struct Frame {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl ParetoPlot {
    /// The plot as a document of its own. It depends on the plot alone.
    pub fn to_svg(&self) -> String {
        let points = || {
            self.series
                .iter()
                .flat_map(|series| &series.points)
                .filter(is_drawn)
        };
        let x_scale = Scale::over(points().map(|point| point.x));
        let y_scale = Scale::over(points().flat_map(|point| {
            let (low, high) = ends(point);
            [point.y, low, high]
        }));
        let drawn = self.place(&x_scale, &y_scale);
        let labels = place_labels(&drawn);
        let svg = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {HEIGHT}"))
                width=(WIDTH) height=(HEIGHT) font-family="system-ui, sans-serif" font-size="12" {
                rect width="100%" height="100%" fill="#ffffff" {}
                text x=(WIDTH / 2.0) y="24" text-anchor="middle" font-size="16" { (plain(&self.title)) }
                (self.axes(&x_scale, &y_scale))
                (front(&drawn))
                @for point in &drawn { (mark(point, &y_scale)) }
                @for (point, label) in drawn.iter().zip(&labels) {
                    text x=(round(label.x)) y=(round(label.y + LINE - 3.0)) fill=(point.colour)
                        stroke="#ffffff" stroke-width="3" paint-order="stroke" {
                        (shortened(&point.point.label, LABEL_MAX_CHARS))
                    }
                }
                (self.legend())
            }
        };
        format!("{}\n", svg.into_string())
    }

    fn place<'a>(&'a self, x_scale: &Scale, y_scale: &Scale) -> Vec<Drawn<'a>> {
        let series = self.series.iter().zip(COLOURS.iter().cycle());
        let points = series.flat_map(|(series, colour)| {
            let points = series.points.iter().filter(is_drawn);
            points.map(|point| Drawn {
                point,
                colour,
                x: x_of(x_scale, point.x),
                y: y_of(y_scale, point.y),
            })
        });
        points.collect()
    }

    fn axes(&self, x_scale: &Scale, y_scale: &Scale) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let middle = f64::midpoint(TOP, bottom);
        html! {
            @for tick in &x_scale.ticks {
                @let x = round(x_of(x_scale, *tick));
                line x1=(x) x2=(x) y1=(TOP) y2=(bottom) stroke="#e5e5e5" {}
                text x=(x) y=(bottom + 18.0) text-anchor="middle" fill="#444444" { (x_scale.label(*tick)) }
            }
            @for tick in &y_scale.ticks {
                @let y = round(y_of(y_scale, *tick));
                line x1=(LEFT) x2=(right) y1=(y) y2=(y) stroke="#e5e5e5" {}
                text x=(LEFT - 8.0) y=(round(y + 4.0)) text-anchor="end" fill="#444444" { (y_scale.label(*tick)) }
            }
            path d=(format!("M{LEFT} {TOP}V{bottom}H{right}")) fill="none" stroke="#444444" {}
            text x=(f64::midpoint(LEFT, right)) y=(bottom + 38.0) text-anchor="middle" { (plain(&self.x_label)) }
            text x="16" y=(middle) text-anchor="middle"
                transform=(format!("rotate(-90 16 {middle})")) { (plain(&self.y_label)) }
        }
    }

    fn legend(&self) -> Markup {
        let mut x = LEFT;
        let names = self
            .series
            .iter()
            .zip(COLOURS.iter().cycle())
            .map(|(series, colour)| {
                let name = shortened(&series.name, LABEL_MAX_CHARS);
                let at = x;
                x += 26.0 + CHARACTER * name.chars().count() as f64;
                (at, name, colour)
            });
        let names: Vec<_> = names.collect();
        html! {
            @for (x, name, colour) in names {
                circle cx=(round(x + 4.0)) cy=(HEIGHT - 20.0) r="4" fill=(colour) {}
                text x=(round(x + 13.0)) y=(HEIGHT - 16.0) { (name) }
            }
        }
    }
}

fn is_drawn(point: &&PlotPoint) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

fn ends(point: &PlotPoint) -> (f64, f64) {
    point
        .interval
        .map_or((point.y, point.y), |interval| (interval.low, interval.high))
}

fn x_of(scale: &Scale, value: f64) -> f64 {
    LEFT + scale.place(value) * (WIDTH - RIGHT - LEFT)
}

fn y_of(scale: &Scale, value: f64) -> f64 {
    HEIGHT - BOTTOM - scale.place(value) * (HEIGHT - BOTTOM - TOP)
}

fn front(drawn: &[Drawn<'_>]) -> Markup {
    let points: Vec<(f64, f64)> = drawn.iter().map(|d| (d.point.x, d.point.y)).collect();
    let mut path = String::new();
    for (number, drawn) in pareto_front(&points)
        .iter()
        .filter_map(|i| drawn.get(*i))
        .enumerate()
    {
        let (x, y) = (round(drawn.x), round(drawn.y));
        // Writing to a string does not fail.
        let _ = if number == 0 {
            write!(path, "M{x} {y}")
        } else {
            write!(path, "H{x}V{y}")
        };
    }
    html! {
        @if path.contains('H') {
            path d=(path) fill="none" stroke="#999999" stroke-dasharray="5 4" {}
        }
    }
}

fn mark(drawn: &Drawn<'_>, y_scale: &Scale) -> Markup {
    let (low, high) = ends(drawn.point);
    let (x, y) = (round(drawn.x), round(drawn.y));
    html! {
        @if drawn.point.interval.is_some() {
            line x1=(x) x2=(x) y1=(round(y_of(y_scale, low))) y2=(round(y_of(y_scale, high)))
                stroke=(drawn.colour) stroke-opacity="0.5" {}
        }
        circle cx=(x) cy=(y) r="5" fill=(drawn.colour) {
            title { (plain(&drawn.point.label)) ": " (drawn.point.x) ", " (drawn.point.y) }
        }
    }
}

/// Puts each label at the place beside its point that covers least.
fn place_labels(drawn: &[Drawn<'_>]) -> Vec<Frame> {
    let marks = drawn.iter().map(|d| Frame {
        x: d.x - 6.0,
        y: d.y - 6.0,
        width: 12.0,
        height: 12.0,
    });
    let mut taken: Vec<Frame> = marks.collect();
    let mut labels = Vec::new();
    for drawn in drawn {
        let width = CHARACTER
            * shortened(&drawn.point.label, LABEL_MAX_CHARS)
                .chars()
                .count() as f64;
        let sides = [drawn.x + 9.0, drawn.x - 9.0 - width, drawn.x - width / 2.0];
        // The line of the front leaves points to the right and upwards.
        let rows = [-10.0, 12.0, 0.0, -24.0, 26.0, -38.0, 40.0];
        let places = rows.iter().flat_map(|row| sides.map(|x| (x, *row)));
        let frames = places.map(|(x, row)| Frame {
            x: x.clamp(LEFT, (WIDTH - width).max(LEFT)),
            y: (drawn.y - LINE / 2.0 + row).clamp(TOP, HEIGHT - BOTTOM - LINE),
            width,
            height: LINE,
        });
        let best = frames.min_by(|a, b| covered(*a, &taken).total_cmp(&covered(*b, &taken)));
        if let Some(best) = best {
            taken.push(best);
            labels.push(best);
        }
    }
    labels
}

fn covered(frame: Frame, taken: &[Frame]) -> f64 {
    let overlap = |other: &Frame| {
        let width = (frame.x + frame.width).min(other.x + other.width) - frame.x.max(other.x);
        let height = (frame.y + frame.height).min(other.y + other.height) - frame.y.max(other.y);
        width.max(0.0) * height.max(0.0)
    };
    taken.iter().map(overlap).sum()
}
