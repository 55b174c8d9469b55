//! Where the boxes of a graph stand: springs and repulsion, from a fixed start.

use super::linked::Graph;

/// A box: its middle and half its extent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) half_width: f64,
    pub(super) half_height: f64,
}

/// The length that a link would like to have.
const LINK_LENGTH: f64 = 150.0;
/// Boxes further apart than this do not push one another.
const REACH: f64 = 2.0 * LINK_LENGTH;
/// Space that is kept between boxes.
const GAP: f64 = 14.0;
const HALF_HEIGHT: f64 = 14.0;
/// How many pairs of boxes are looked at, over all rounds.
const PAIRS_MAX: usize = 8_000_000;
const ROUNDS_MAX: usize = 400;
const ROUNDS_MIN: usize = 30;
const SPREAD_ROUNDS: usize = 120;

/// Places for boxes of these widths.
pub(super) fn places(graph: &Graph, widths: &[f64]) -> Vec<Place> {
    let count = widths.len();
    let rounds = PAIRS_MAX / (count * count).max(1);
    let rounds = rounds.clamp(ROUNDS_MIN, ROUNDS_MAX);
    let mut places: Vec<Place> = widths.iter().enumerate().map(start).collect();
    for round in 0..rounds {
        let heat = LINK_LENGTH * (1.0 - round as f64 / rounds as f64).max(0.02);
        let forces = forces(graph, &places);
        for (place, (dx, dy)) in places.iter_mut().zip(forces) {
            let length = dx.hypot(dy).max(0.001);
            let step = length.min(heat);
            place.x += dx / length * step;
            place.y += dy / length * step;
        }
    }
    for _ in 0..SPREAD_ROUNDS {
        if !spread(&mut places) {
            break;
        }
    }
    places
}

/// On a spiral, evenly filled: no two boxes begin at the same point.
fn start((index, width): (usize, &f64)) -> Place {
    let turn = index as f64 * 2.399_963;
    let radius = LINK_LENGTH * 0.6 * (index as f64).sqrt();
    Place {
        x: radius * turn.cos() * 1.4,
        y: radius * turn.sin(),
        half_width: width / 2.0,
        half_height: HALF_HEIGHT,
    }
}

fn forces(graph: &Graph, places: &[Place]) -> Vec<(f64, f64)> {
    // Towards the middle, so that what nothing links to stays in the picture.
    let pull = |place: &Place| (-place.x * 0.08, -place.y * 0.12);
    let mut forces: Vec<(f64, f64)> = places.iter().map(pull).collect();
    for (index, a) in places.iter().enumerate() {
        for (other, b) in places.iter().enumerate().skip(index + 1) {
            let (dx, dy) = (a.x - b.x, a.y - b.y);
            let square = (dx * dx + dy * dy).max(1.0);
            // Whole groups would drive one another out of the picture.
            if square > REACH * REACH {
                continue;
            }
            let push = LINK_LENGTH * LINK_LENGTH / square;
            add(&mut forces, index, (dx * push, dy * push));
            add(&mut forces, other, (-dx * push, -dy * push));
        }
    }
    for edge in &graph.edges {
        let (Some(a), Some(b)) = (places.get(edge.from), places.get(edge.to)) else {
            continue;
        };
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let stretch = dx.hypot(dy) / LINK_LENGTH * 0.5;
        add(&mut forces, edge.from, (dx * stretch, dy * stretch));
        add(&mut forces, edge.to, (-dx * stretch, -dy * stretch));
    }
    forces
}

fn add(forces: &mut [(f64, f64)], index: usize, (dx, dy): (f64, f64)) {
    if let Some(force) = forces.get_mut(index) {
        force.0 += dx;
        force.1 += dy;
    }
}

/// Moves boxes that cover one another apart; whether there were any.
fn spread(places: &mut [Place]) -> bool {
    let mut moved = false;
    for index in 1..places.len() {
        let (before, rest) = places.split_at_mut(index);
        let Some(b) = rest.first_mut() else {
            continue;
        };
        for a in before {
            let (dx, dy) = (b.x - a.x, b.y - a.y);
            let over_x = a.half_width + b.half_width + GAP - dx.abs();
            let over_y = a.half_height + b.half_height + GAP - dy.abs();
            if over_x <= 0.0 || over_y <= 0.0 {
                continue;
            }
            moved = true;
            if over_x < over_y {
                let half = (over_x / 2.0).copysign(dx);
                a.x -= half;
                b.x += half;
            } else {
                let half = (over_y / 2.0).copysign(dy);
                a.y -= half;
                b.y += half;
            }
        }
    }
    moved
}
