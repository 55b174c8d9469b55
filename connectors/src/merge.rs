//! What a person edited and what an export changed, brought together line by line.

/// The longest stretch that is compared line with line; longer ones that differ are a whole.
const COMPARED_MAX: usize = 4_000_000;

/// A text that keeps both changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) text: String,
    /// Places where both changed the same lines: there the person's are kept.
    pub(super) conflicts: usize,
}

/// Merges what `hand` and `new` made of `base`.
pub(super) fn merged(base: &str, hand: &str, new: &str) -> Merged {
    let [base, hand, new] = [base, hand, new].map(|text| text.lines().collect::<Vec<_>>());
    let to_hand = matches(&base, &hand);
    let to_new = matches(&base, &new);
    let mut out: Vec<&str> = Vec::new();
    let mut conflicts = 0;
    let (mut b, mut h, mut n) = (0, 0, 0);
    loop {
        // The next line that all three have.
        let common = (b..base.len()).find_map(|at| {
            let in_hand = to_hand.get(at).copied().flatten()?;
            let in_new = to_new.get(at).copied().flatten()?;
            Some((at, in_hand, in_new))
        });
        let (end_b, end_h, end_n) = common.unwrap_or((base.len(), hand.len(), new.len()));
        let stretch = (
            base.get(b..end_b).unwrap_or_default(),
            hand.get(h..end_h).unwrap_or_default(),
            new.get(n..end_n).unwrap_or_default(),
        );
        conflicts += usize::from(!settle(stretch, &mut out));
        let Some(line) = common.and_then(|_| hand.get(end_h)) else {
            break;
        };
        out.push(line);
        (b, h, n) = (end_b + 1, end_h + 1, end_n + 1);
    }
    Merged {
        text: out.join("\n") + "\n",
        conflicts,
    }
}

/// Merges without the common ancestor: every line of either stays, a fact has its new value.
pub(super) fn joined(hand: &str, new: &str) -> String {
    let [hand, new] = [hand, new].map(|text| text.lines().collect::<Vec<_>>());
    let mut out: Vec<&str> = Vec::new();
    let to_new = matches(&hand, &new);
    let mut n = 0;
    for (line, in_new) in hand.iter().zip(to_new) {
        match in_new {
            Some(at) => {
                out.extend(new.get(n..at).unwrap_or_default());
                out.push(line);
                n = at + 1;
            }
            None => {
                let renewed = fact_name(line).is_some_and(|name| {
                    let near = new.get(n..).unwrap_or_default();
                    near.iter().any(|line| fact_name(line) == Some(name))
                });
                if !renewed {
                    out.push(line);
                }
            }
        }
    }
    out.extend(new.get(n..).unwrap_or_default());
    out.join("\n") + "\n"
}

fn fact_name(line: &str) -> Option<&str> {
    memex_memory::markdown::fact(line).map(|(name, _)| name)
}

/// Puts down what becomes of a stretch that not all have; whether nothing was lost.
fn settle<'t>(stretch: (&[&'t str], &[&'t str], &[&'t str]), out: &mut Vec<&'t str>) -> bool {
    let (base, hand, new) = stretch;
    if hand == base || hand == new {
        out.extend(new);
    } else if new == base {
        out.extend(hand);
    } else if let Some(added) = new.strip_prefix(base) {
        // Where both added at one place, what the export says stays together.
        match hand.strip_prefix(base) {
            Some(noted) => {
                out.extend(new);
                out.extend(noted);
            }
            None => {
                out.extend(hand);
                out.extend(added);
            }
        }
    } else if let Some(noted) = hand.strip_prefix(base) {
        out.extend(new);
        out.extend(noted);
    } else if let Some(added) = new.strip_suffix(base) {
        out.extend(added);
        out.extend(hand);
    } else if let Some(noted) = hand.strip_suffix(base) {
        out.extend(noted);
        out.extend(new);
    } else {
        out.extend(hand);
        return false;
    }
    true
}

/// For each line of `from` its place in `to`, in rising order: a longest common sequence.
fn matches(from: &[&str], to: &[&str]) -> Vec<Option<usize>> {
    let mut found = vec![None; from.len()];
    let head = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let tail = from
        .iter()
        .rev()
        .zip(to.iter().rev())
        .take(from.len().min(to.len()) - head)
        .take_while(|(a, b)| a == b)
        .count();
    for (at, place) in found.iter_mut().enumerate() {
        if at < head {
            *place = Some(at);
        } else if at >= from.len() - tail {
            *place = Some(at + to.len() - from.len());
        }
    }
    let from = from.get(head..from.len() - tail).unwrap_or_default();
    let to = to.get(head..to.len() - tail).unwrap_or_default();
    if from.len().saturating_mul(to.len()) > COMPARED_MAX {
        return found;
    }
    // How long the longest common sequence of the rests is.
    let width = to.len() + 1;
    let mut lengths = vec![0_u32; (from.len() + 1) * width];
    let length = |lengths: &[u32], a: usize, b: usize| {
        lengths.get(a * width + b).copied().unwrap_or_default()
    };
    for (a, line) in from.iter().enumerate().rev() {
        for (b, other) in to.iter().enumerate().rev() {
            let longest = match line == other {
                true => length(&lengths, a + 1, b + 1) + 1,
                false => length(&lengths, a + 1, b).max(length(&lengths, a, b + 1)),
            };
            if let Some(place) = lengths.get_mut(a * width + b) {
                *place = longest;
            }
        }
    }
    let (mut a, mut b) = (0, 0);
    while let (Some(line), Some(other)) = (from.get(a), to.get(b)) {
        if line == other {
            if let Some(place) = found.get_mut(head + a) {
                *place = Some(head + b);
            }
            (a, b) = (a + 1, b + 1);
        } else if length(&lengths, a + 1, b) >= length(&lengths, a, b + 1) {
            a += 1;
        } else {
            b += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_changes_are_kept() {
        for (base, hand, new, expect, conflicts) in [
            // One side only.
            ("a b c", "a b c", "a x c d", "a x c d", 0),
            ("a b c", "a x c d", "a b c", "a x c d", 0),
            // Both, apart and alike.
            ("a b c d", "A b c d", "a b c D", "A b c D", 0),
            ("a b", "a x", "a x", "a x", 0),
            // Both added at the end: the export first.
            ("a b", "a b note", "a b c d", "a b c d note", 0),
            // The last line was corrected by hand, and the export goes on after it.
            ("a b", "a B", "a b c", "a B c", 0),
            ("a b", "a b note", "a B", "a B note", 0),
            // The same lines: the person's stay.
            ("a b c", "a x c", "a y c", "a x c", 1),
            ("a b c", "c", "a b c d", "c d", 0),
            ("", "x", "y", "y x", 0),
        ] {
            let [base, hand, new, expect] =
                [base, hand, new, expect].map(|text| text.replace(' ', "\n"));
            assert_eq!(
                merged(&base, &hand, &new),
                Merged {
                    text: expect + "\n",
                    conflicts
                },
                "{base:?} {hand:?} {new:?}"
            );
        }
    }

    #[test]
    fn without_an_ancestor_nothing_is_lost_and_facts_are_renewed() {
        assert_eq!(
            joined(
                "# T\n- messages: 1\n- mine: 2\n\na\n",
                "# T\n- messages: 3\n\na\nb\n"
            ),
            "# T\n- mine: 2\n- messages: 3\n\na\nb\n"
        );
    }
}
