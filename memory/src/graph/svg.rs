//! A graph as SVG.

use std::fmt::Write;

use super::layout::{self, Place};
use super::linked::{Graph, Node};

const TITLE_CHARS_MAX: usize = 26;
const CHAR_WIDTH: f64 = 7.4;
const PADDING: f64 = 20.0;
const MARGIN: f64 = 24.0;
/// With more links than this their names are in the tooltips only.
const NAMED_EDGES_MAX: usize = 40;
/// How much wider a picture is whose links show their names, and half of what a
/// letter of these takes.
const NAMED_STRETCH: f64 = 1.45;
const NAME_HALF_CHAR_WIDTH: f64 = 2.8;

/// Greys that can be read on white and on black, unless the page says which it
/// is.
const STYLE: &str = "\
svg{color:#777;font:12px system-ui,sans-serif}\
.l{stroke:#999;stroke-width:1.2;fill:none}\
.r{fill:#888;font-size:10px;text-anchor:middle}\
.s{text-anchor:start}\
.b{fill:#f4f4f2;stroke:#999;stroke-width:1.2}\
.u{fill:#dbe7f6;stroke:#4a7ab5;stroke-width:1.6}\
.t{fill:#222;text-anchor:middle;dominant-baseline:central}\
@media(prefers-color-scheme:dark){\
.b{fill:#2b2d31;stroke:#888}.u{fill:#24364d;stroke:#7aa7dd}.t{fill:#eee}}";

impl Graph {
    /// The graph as a picture that stands by itself: names in boxes, arrows for
    /// links, paths and facts as tooltips; it suits light and dark pages. The
    /// same graph is always the same picture.
    #[must_use]
    pub fn to_svg(&self) -> String {
        draw(self)
    }
}

fn draw(graph: &Graph) -> String {
    let titles: Vec<String> = graph.nodes.iter().map(title).collect();
    let width = |title: &String| title.chars().count() as f64 * CHAR_WIDTH + PADDING;
    let widths: Vec<f64> = titles.iter().map(width).collect();
    let mut places = layout::places(graph, &widths);
    if has_names(graph) {
        places.iter_mut().for_each(|place| place.x *= NAMED_STRETCH);
    }
    let (width, mut height) = to_corner(&mut places);
    if graph.left_out > 0 {
        height += 20.0;
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n\
         <title>{} files, {} links</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\"><path d=\"M0,0L8,4L0,8z\" fill=\"#999\"/></marker></defs>\n",
        graph.nodes.len(),
        graph.edges.len(),
    );
    edges(&mut svg, graph, &places);
    for ((node, title), place) in graph.nodes.iter().zip(&titles).zip(&places) {
        boxed(&mut svg, node, title, place);
    }
    if graph.left_out > 0 {
        let (x, y) = (width / 2.0, height - 14.0);
        let _ = writeln!(
            svg,
            "<text class=\"r\" x=\"{x:.1}\" y=\"{y:.1}\">and {} more files</text>",
            graph.left_out
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn title(node: &Node) -> String {
    let mut title: String = node.title.chars().take(TITLE_CHARS_MAX).collect();
    if node.title.chars().nth(TITLE_CHARS_MAX).is_some() {
        title.push('…');
    }
    title
}

/// Moves the picture to the corner; its width and height.
fn to_corner(places: &mut [Place]) -> (f64, f64) {
    let fold = |by: fn(f64, f64) -> f64, start, of: fn(&Place) -> f64| {
        places.iter().map(of).fold(start, by)
    };
    if places.is_empty() {
        return (2.0 * MARGIN, 2.0 * MARGIN);
    }
    let left = fold(f64::min, f64::MAX, |p| p.x - p.half_width);
    let right = fold(f64::max, f64::MIN, |p| p.x + p.half_width);
    let top = fold(f64::min, f64::MAX, |p| p.y - p.half_height);
    let bottom = fold(f64::max, f64::MIN, |p| p.y + p.half_height);
    for place in places {
        place.x += MARGIN - left;
        place.y += MARGIN - top;
    }
    (right - left + 2.0 * MARGIN, bottom - top + 2.0 * MARGIN)
}

fn edges(svg: &mut String, graph: &Graph, places: &[Place]) {
    for edge in &graph.edges {
        let ends = (places.get(edge.from), places.get(edge.to));
        let nodes = (graph.nodes.get(edge.from), graph.nodes.get(edge.to));
        let ((Some(a), Some(b)), (Some(from), Some(to))) = (ends, nodes) else {
            continue;
        };
        let is_mutual = graph
            .edges
            .binary_search_by_key(&(edge.to, edge.from), |edge| (edge.from, edge.to))
            .is_ok();
        // One line for links in both directions.
        if is_mutual && edge.from > edge.to {
            continue;
        }
        let (x1, y1) = border(a, b);
        let (x2, y2) = border(b, a);
        let start = if is_mutual {
            " marker-start=\"url(#a)\""
        } else {
            ""
        };
        let names = edge.relations.join(", ");
        let _ = writeln!(
            svg,
            "<line class=\"l\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" marker-end=\"url(#a)\"{start}><title>{} → {}{}{}</title></line>",
            escape(&from.path),
            escape(&to.path),
            if names.is_empty() { "" } else { ": " },
            escape(&names),
        );
        if !names.is_empty() && has_names(graph) {
            named(svg, &names, (x1, y1), (x2, y2));
        }
    }
}

fn has_names(graph: &Graph) -> bool {
    graph.edges.len() <= NAMED_EDGES_MAX
}

/// The name of a link, beside a steep line and above any other.
fn named(svg: &mut String, names: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let (dx, dy) = ((x2 - x1).abs(), (y2 - y1).abs());
    // Nearer to where it comes from, so that two do not meet.
    let (x, y) = (x1 + (x2 - x1) * 0.42, y1 + (y2 - y1) * 0.42);
    let half_width = names.chars().count() as f64 * NAME_HALF_CHAR_WIDTH;
    let (class, x, y) = match dy > dx * 0.6 {
        true => ("r s", x + 6.0, y + 3.0),
        false => ("r", x, y - 3.0 - half_width * dy / dx.max(1.0)),
    };
    let names = escape(names);
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{names}</text>"
    );
}

/// Where the line from the middle of one box to another crosses its border.
fn border(from: &Place, to: &Place) -> (f64, f64) {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let part = |half: f64, d: f64| half / d.abs().max(0.001);
    let part = part(from.half_width, dx)
        .min(part(from.half_height, dy))
        .min(1.0);
    (from.x + dx * part, from.y + dy * part)
}

fn boxed(svg: &mut String, node: &Node, title: &str, place: &Place) {
    let class = if node.path == "user.md" { "u" } else { "b" };
    let mut tooltip = node.path.clone();
    for fact in &node.facts {
        tooltip.push('\n');
        tooltip.push_str(fact);
    }
    let _ = writeln!(
        svg,
        "<g><title>{}</title><rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\"/><text class=\"t\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        escape(&tooltip),
        place.x - place.half_width,
        place.y - place.half_height,
        place.half_width * 2.0,
        place.half_height * 2.0,
        place.x,
        place.y,
        escape(title),
    );
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            c => escaped.push(c),
        }
    }
    escaped
}
