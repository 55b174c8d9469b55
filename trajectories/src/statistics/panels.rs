//! Several quantities of the same rows side by side, as SVG: a panel of bars each.

use maud::{Markup, PreEscaped, html};

use super::svg::{CHARACTER, plain, round, shortened};

/// Rows that are drawn; of more, the number of the rest is said.
const ROWS_MAX: usize = 400;
const LEFT: f64 = 190.0;
const MARGIN: f64 = 16.0;
const PANEL: f64 = 172.0;
const GAP: f64 = 22.0;
/// Room beside the longest bar, for its number.
const NUMBER: f64 = 64.0;
const TOP: f64 = 78.0;
const ROW: f64 = 24.0;
const BAR: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// One colour for each panel: on white and on black, and without red against green.
const STYLE: &str = "\
.bg{fill:#ffffff}.fg{fill:#1c1c1e}.soft{fill:#606066}.line{stroke:#dcdce0}.bad{fill:#b3261e}\
.whisker{stroke:#606066}.p0{fill:#0072b2}.p1{fill:#b35900}.p2{fill:#00805c}.p3{fill:#a64d83}\
@media (prefers-color-scheme:dark){.bg{fill:#16161a}.fg{fill:#e6e6ea}.soft{fill:#a4a4ac}\
.line{stroke:#3a3a42}.bad{fill:#ff8a80}.whisker{stroke:#c4c4cc}.p0{fill:#56b4e9}.p1{fill:#e69f00}\
.p2{fill:#3fbf93}.p3{fill:#dd93bd}}";

/// Bars of several quantities, a panel each, over the same rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PanelPlot {
    /// What stands above.
    pub title: String,
    /// What stands below: what bars and lines mean, and where the figures come from.
    pub note: String,
    /// The rows, from the top.
    pub rows: Vec<PanelRow>,
    /// The panels, from the left.
    pub panels: Vec<Panel>,
}

/// A row of all panels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PanelRow {
    /// Its name.
    pub label: String,
    /// Whether something went wrong in it.
    pub is_bad: bool,
}

/// One quantity.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Panel {
    /// What it is.
    pub title: String,
    /// Its value in each row; `None` where none is known.
    pub bars: Vec<Option<PanelBar>>,
}

/// A value, and how far it reaches at times.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PanelBar {
    /// The length of the bar.
    pub value: f64,
    /// The end of the line beyond it, such as a 99th percentile.
    pub upper: Option<f64>,
    /// The value in digits, with its unit.
    pub text: String,
}

impl PanelPlot {
    /// The plot as a document of its own, for light and dark surroundings. It
    /// depends on the plot alone.
    pub fn to_svg(&self) -> String {
        let rows = self.rows.len().min(ROWS_MAX);
        let panels = self.panels.len().max(1) as f64;
        let width = LEFT + panels * (PANEL + GAP) + MARGIN;
        let bottom = TOP + rows as f64 * ROW;
        let left_out = self.rows.len() - rows;
        let svg = html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {}", bottom + BOTTOM))
                width=(width) height=(bottom + BOTTOM) role="img" aria-label=(plain(&self.title))
                font-family="system-ui, sans-serif" font-size="12" {
                style { (PreEscaped(STYLE)) }
                rect.bg width="100%" height="100%" {}
                text.fg x=(MARGIN) y="28" font-size="16" font-weight="600" { (plain(&self.title)) }
                (self.labels(rows, width))
                @for (number, panel) in self.panels.iter().enumerate() {
                    (panel.drawn(number, rows, bottom))
                }
                text.soft x=(MARGIN) y=(bottom + 24.0) font-size="11" {
                    (plain(&self.note))
                    @if left_out > 0 { " " (left_out) " further rows are not drawn." }
                }
            }
        };
        format!("{}\n", svg.into_string())
    }

    fn labels(&self, rows: usize, width: f64) -> Markup {
        let label_max = ((LEFT - MARGIN - 10.0) / CHARACTER) as usize;
        html! {
            @for (number, row) in self.rows.iter().take(rows).enumerate() {
                @let y = TOP + number as f64 * ROW;
                line.line x1=(MARGIN) x2=(width - MARGIN) y1=(y) y2=(y) {}
                text.{ @if row.is_bad { "bad" } @else { "fg" } } x=(MARGIN) y=(y + 16.0) {
                    title { (plain(&row.label)) }
                    @if row.is_bad { "✗ " }
                    (shortened(&row.label, label_max.saturating_sub(2 * usize::from(row.is_bad))))
                }
            }
        }
    }
}

impl Panel {
    fn drawn(&self, number: usize, rows: usize, bottom: f64) -> Markup {
        let left = LEFT + number as f64 * (PANEL + GAP);
        let bars = || self.bars.iter().take(rows);
        let known = bars()
            .flatten()
            .flat_map(|bar| [Some(bar.value), bar.upper]);
        let known = known.flatten().filter(|value| value.is_finite());
        let largest = known.fold(0.0, f64::max);
        let length = |value: f64| match largest > 0.0 && value.is_finite() {
            true => (value / largest).clamp(0.0, 1.0) * (PANEL - NUMBER),
            false => 0.0,
        };
        html! {
            text.fg x=(left) y="62" font-weight="600" { (shortened(&self.title, 26)) }
            line.line x1=(left) x2=(left) y1=(TOP - 6.0) y2=(bottom) {}
            @for (row, bar) in bars().enumerate() {
                @let y = TOP + row as f64 * ROW + (ROW - BAR) / 2.0;
                @if let Some(bar) = bar {
                    @let end = left + length(bar.value);
                    @let tip = bar.upper.map_or(end, |upper| left + length(upper)).max(end);
                    rect.{ "p" (number % 4) } x=(left) y=(y) width=(round(end - left)) height=(BAR) rx="1.5" {
                        title { (plain(&bar.text)) }
                    }
                    @if tip > end {
                        line.whisker x1=(round(end)) x2=(round(tip)) y1=(y + BAR / 2.0) y2=(y + BAR / 2.0) {}
                        line.whisker x1=(round(tip)) x2=(round(tip)) y1=(y + 2.0) y2=(y + BAR - 2.0) {}
                    }
                    text.fg x=(round(tip + 5.0)) y=(y + BAR - 2.0) font-size="11" { (plain(&bar.text)) }
                } @else {
                    text.soft x=(left + 5.0) y=(y + BAR - 2.0) font-size="11" { "not recorded" }
                }
            }
        }
    }
}
