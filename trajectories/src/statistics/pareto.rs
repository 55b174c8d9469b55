//! The Pareto front: points that no other point dominates.

/// The indices of the points `(cost, gain)` that no other point beats by a
/// cost as low and a gain as high, one of them better; by rising cost. Points
/// that are not finite are beaten.
pub fn pareto_front(points: &[(f64, f64)]) -> Vec<usize> {
    let finite = points.iter().enumerate();
    let mut order: Vec<(usize, (f64, f64))> = finite
        .map(|(index, point)| (index, *point))
        .filter(|(_, (cost, gain))| cost.is_finite() && gain.is_finite())
        .collect();
    order.sort_by(|(_, a), (_, b)| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut front: Vec<(usize, (f64, f64))> = Vec::new();
    for (index, point) in order {
        // Equal points are both on the front.
        let is_better = front
            .last()
            .is_none_or(|(_, best)| point.1 > best.1 || point == *best);
        if is_better {
            front.push((index, point));
        }
    }
    front.into_iter().map(|(index, _)| index).collect()
}
