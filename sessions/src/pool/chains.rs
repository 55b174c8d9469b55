//! Orders of use: lists that are threaded through numbered places.
//!
//! A place is a number of a slab, and stands in one list of a `Chains` at most. Every
//! operation touches three places, however long the list is.

/// Links of all places, whichever list they stand in.
#[derive(Debug, Default)]
pub(super) struct Chains {
    links: Vec<Links>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Links {
    before: Option<usize>,
    after: Option<usize>,
}

/// A list, from the least recent place to the most recent one.
#[derive(Debug, Default)]
pub(super) struct List {
    first: Option<usize>,
    last: Option<usize>,
    len: usize,
}

impl List {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The least recent place.
    pub(super) fn first(&self) -> Option<usize> {
        self.first
    }
}

impl Chains {
    /// Makes a place that stands in no list the most recent one.
    pub(super) fn push(&mut self, list: &mut List, place: usize) {
        if self.links.len() <= place {
            self.links.resize(place + 1, Links::default());
        }
        let before = list.last.replace(place);
        match before.and_then(|before| self.links.get_mut(before)) {
            Some(before) => before.after = Some(place),
            None => list.first = Some(place),
        }
        if let Some(links) = self.links.get_mut(place) {
            *links = Links {
                before,
                after: None,
            };
        }
        list.len += 1;
    }

    /// Takes a place out of the list it stands in.
    pub(super) fn remove(&mut self, list: &mut List, place: usize) {
        let links = self.links.get_mut(place).map(std::mem::take);
        let Links { before, after } = links.unwrap_or_default();
        match before.and_then(|before| self.links.get_mut(before)) {
            Some(before) => before.after = after,
            None => list.first = after,
        }
        match after.and_then(|after| self.links.get_mut(after)) {
            Some(after) => after.before = before,
            None => list.last = before,
        }
        list.len = list.len.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forwards(chains: &Chains, list: &List) -> Vec<usize> {
        let step = |place: &usize| chains.links.get(*place).and_then(|links| links.after);
        std::iter::successors(list.first, step).collect()
    }

    fn backwards(chains: &Chains, list: &List) -> Vec<usize> {
        let step = |place: &usize| chains.links.get(*place).and_then(|links| links.before);
        std::iter::successors(list.last, step).collect()
    }

    proptest! {
        #[test]
        fn two_lists_are_as_two_vectors(steps in proptest::collection::vec((0..12_usize, 0..3_u8), 0..200)) {
            let mut chains = Chains::default();
            let mut lists = [List::default(), List::default()];
            let mut model = [Vec::new(), Vec::new()];
            for (place, to) in steps {
                for (list, model) in lists.iter_mut().zip(&mut model) {
                    if model.contains(&place) {
                        chains.remove(list, place);
                        model.retain(|other| *other != place);
                    }
                }
                if let (Some(list), Some(model)) = (lists.get_mut(usize::from(to)), model.get_mut(usize::from(to))) {
                    chains.push(list, place);
                    model.push(place);
                }
                for (list, model) in lists.iter().zip(&model) {
                    prop_assert_eq!(&forwards(&chains, list), model);
                    let mut reversed = backwards(&chains, list);
                    reversed.reverse();
                    prop_assert_eq!(&reversed, model);
                    prop_assert_eq!(list.len(), model.len());
                    prop_assert_eq!(list.first(), model.first().copied());
                }
            }
        }
    }
}
