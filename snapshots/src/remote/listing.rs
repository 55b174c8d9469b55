//! What a service lists, as far as it can be true.
//!
//! A list comes page by page, and each page says where the next one begins. A service that is
//! broken, or means harm, may say the same place for ever, or always another one.

use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectMeta};

/// How much a list may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Objects, those that are not a store's included.
    objects: u64,
    /// The time between two objects: pages without any are asked for until then.
    pause: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            objects: 1 << 22,
            pause: Duration::from_secs(240),
        }
    }
}

/// What `wanted` makes of the objects of a list. Only this is held.
pub(super) async fn collected<T>(
    mut list: BoxStream<'static, Result<ObjectMeta, Error>>,
    bounds: Bounds,
    wanted: impl Fn(ObjectMeta) -> Option<T>,
) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    let mut repetition = Repetition::default();
    loop {
        let next = tokio::time::timeout(bounds.pause, list.next()).await;
        let Ok(next) = next else {
            let seconds = bounds.pause.as_secs();
            return Err(wrong(format!("no object is listed for {seconds} s")));
        };
        let Some(object) = next.transpose()? else {
            return Ok(found);
        };
        if repetition.count >= bounds.objects {
            return Err(wrong(format!(
                "more than {} objects are listed",
                bounds.objects
            )));
        }
        if repetition.finds(&object.location) {
            return Err(wrong("the list begins again before its end".to_owned()));
        }
        found.extend(wanted(object));
    }
}

/// Whether names come again, found with one name in memory: the one that was the n-th, for
/// the last power of two n.
#[derive(Debug, Default)]
struct Repetition {
    mark: Option<Path>,
    count: u64,
}

impl Repetition {
    fn finds(&mut self, name: &Path) -> bool {
        self.count = self.count.saturating_add(1);
        if self.mark.as_ref() == Some(name) {
            return true;
        }
        if self.count.is_power_of_two() {
            self.mark = Some(name.clone());
        }
        false
    }
}

fn wrong(what: String) -> Error {
    Error::Generic {
        store: "the bucket",
        source: what.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::stream;
    use tokio::runtime::Builder;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        objects: 1_000,
        pause: Duration::from_millis(50),
    };

    fn object(number: u64) -> Result<ObjectMeta, Error> {
        Ok(ObjectMeta {
            location: Path::from(format!("objects/{number}")),
            last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
            size: number,
            e_tag: None,
            version: None,
        })
    }

    fn collect(list: BoxStream<'static, Result<ObjectMeta, Error>>) -> Result<Vec<u64>, String> {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let work = collected(list, BOUNDS, |object| Some(object.size));
        runtime.block_on(work).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_without_an_end_are_left() {
        let numbers = || stream::iter(0_u64..);
        for (list, wanted) in [
            // Always another page.
            (numbers().map(object).boxed(), "more than 1000 objects"),
            // The same token again and again: the same pages.
            (numbers().map(|n| object(n % 10)).boxed(), "begins again"),
            (
                numbers().map(|n| object(n.min(70) + n % 10)).boxed(),
                "begins again",
            ),
            (numbers().map(|_| object(1)).boxed(), "begins again"),
            // Pages without objects.
            (stream::pending().boxed(), "no object is listed"),
            (
                numbers()
                    .map(object)
                    .take(3)
                    .chain(stream::pending())
                    .boxed(),
                "no object",
            ),
        ] {
            let refused = collect(list).unwrap_err();
            assert!(refused.contains(wanted), "{refused}");
        }
    }

    #[test]
    fn lists_up_to_the_bound_are_taken_in_any_order() {
        let found = collect(stream::iter((0..1_000).rev()).map(object).boxed()).unwrap();
        assert_eq!(found.len(), 1_000);
        assert_eq!(collect(stream::empty().boxed()), Ok(vec![]));
    }
}
