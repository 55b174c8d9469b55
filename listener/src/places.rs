//! The places of a server and the memory for bodies: who has some, and who has to
//! give it up.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// All places of a server.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    bodies_max_bytes: u64,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    connections: BTreeMap<u64, Connection>,
    /// The sum of all connections' bodies.
    body_bytes: u64,
}

#[derive(Debug)]
struct Connection {
    network: Network,
    /// Since when the client has sent nothing; none while it waits for an answer.
    silent_since: Option<Instant>,
    /// Since when the client takes nothing of its answer.
    stalled_since: Option<Instant>,
    /// What is held of the body of its request.
    body_bytes: u64,
    given_up: CancellationToken,
}

/// Who a client is, as far as addresses tell: an address of IPv4, or the first 64
/// bits of one of IPv6, since whoever has one of those has all others that begin
/// so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    Four(Ipv4Addr),
    Six([u16; 4]),
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::Four(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::Six([a, b, c, d])
            }
        }
    }
}

/// A place that is taken. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    given_up: CancellationToken,
    /// Whether there was no room for the body of the request.
    is_refused: AtomicBool,
}

impl Places {
    pub(crate) fn new(most: usize, bodies_max_bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            most,
            bodies_max_bytes,
            taken: Mutex::default(),
        })
    }

    /// A place for a client; none if all are taken by clients that wait for
    /// answers, or take them.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock();
        if taken.connections.len() >= self.most {
            let number = taken.first_to_go(|_| 1)?;
            tracing::debug!("a connection that sends nothing gives its place up");
            taken.give_up(number);
        }
        let number = taken.next;
        taken.next += 1;
        let given_up = CancellationToken::new();
        let connection = Connection {
            network: address.into(),
            silent_since: Some(Instant::now()),
            stalled_since: None,
            body_bytes: 0,
            given_up: given_up.clone(),
        };
        taken.connections.insert(number, connection);
        Some(Place {
            places: Arc::clone(self),
            number,
            given_up,
            is_refused: AtomicBool::new(false),
        })
    }

    /// Frees the place of the most silent client, if there is one.
    pub(crate) fn make_room(&self) {
        let mut taken = self.taken.lock();
        if let Some(number) = taken.first_to_go(|_| 1) {
            taken.give_up(number);
        }
    }
}

impl Taken {
    /// Of the network whose silent connections weigh most, the one that has been
    /// silent for longest. Where several weigh the same, it is the one of all of
    /// them that has been silent for longest.
    fn first_to_go(&self, weight: impl Fn(&Connection) -> u64) -> Option<u64> {
        let mut networks: BTreeMap<Network, (u64, Reverse<(Instant, u64)>)> = BTreeMap::new();
        for (number, connection) in &self.connections {
            let since = connection.silent_since.or(connection.stalled_since);
            let (Some(since), weight @ 1..) = (since, weight(connection)) else {
                continue;
            };
            let longest = Reverse((since, *number));
            networks
                .entry(connection.network)
                .and_modify(|(sum, known)| {
                    *sum = sum.saturating_add(weight);
                    *known = longest.max(*known);
                })
                .or_insert((weight, longest));
        }
        let (_, Reverse((_, number))) = networks.into_values().max()?;
        Some(number)
    }

    /// Takes the place of a connection; its task ends in its own time.
    fn give_up(&mut self, number: u64) {
        if let Some(connection) = self.remove(number) {
            connection.given_up.cancel();
        }
    }

    fn remove(&mut self, number: u64) -> Option<Connection> {
        self.release(number);
        self.connections.remove(&number)
    }

    fn release(&mut self, number: u64) {
        if let Some(connection) = self.connections.get_mut(&number) {
            let bytes = std::mem::take(&mut connection.body_bytes);
            self.body_bytes = self.body_bytes.saturating_sub(bytes);
        }
    }
}

impl Place {
    /// Done once the place is another's.
    pub(crate) async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// The client has sent something, or is to send its next request.
    pub(crate) fn receives(&self) {
        self.set(Some(Instant::now()));
    }

    /// The client has sent a whole request.
    pub(crate) fn answers(&self) {
        self.set(None);
    }

    /// The client takes nothing of its answer; or takes some again.
    pub(crate) fn stalls(&self, since: Option<Instant>) {
        let mut taken = self.places.taken.lock();
        if let Some(connection) = taken.connections.get_mut(&self.number) {
            connection.stalled_since = since;
        }
    }

    /// Counts so many more bytes of the request's body. Where all bodies together
    /// are too large, others are given up that are still coming in; false if it is
    /// this one's turn.
    pub(crate) fn holds(&self, bytes: u64) -> bool {
        let mut taken = self.places.taken.lock();
        let Some(connection) = taken.connections.get_mut(&self.number) else {
            return false;
        };
        connection.body_bytes = connection.body_bytes.saturating_add(bytes);
        taken.body_bytes = taken.body_bytes.saturating_add(bytes);
        while taken.body_bytes > self.places.bodies_max_bytes {
            match taken.first_to_go(|connection| connection.body_bytes) {
                Some(other) if other != self.number => {
                    tracing::debug!("a body that comes slowly is given up for others");
                    taken.give_up(other);
                }
                _ => {
                    taken.release(self.number);
                    self.is_refused.store(true, Ordering::Relaxed);
                    return false;
                }
            }
        }
        true
    }

    /// The request's body is held no more. Was there no room for it?
    pub(crate) fn releases(&self) -> bool {
        self.places.taken.lock().release(self.number);
        self.is_refused.swap(false, Ordering::Relaxed)
    }

    fn set(&self, silent_since: Option<Instant>) {
        let mut taken = self.places.taken.lock();
        if let Some(connection) = taken.connections.get_mut(&self.number) {
            connection.silent_since = silent_since;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::Instant;

    use super::{Place, Places};

    const ROOM: u64 = 1_000;

    fn places(most: usize) -> Arc<Places> {
        Places::new(most, ROOM)
    }

    fn take(places: &Arc<Places>, address: &str) -> Place {
        let address: IpAddr = address.parse().unwrap();
        places.take(address).unwrap()
    }

    fn has_gone(place: &Place) -> bool {
        place.given_up.is_cancelled()
    }

    #[test]
    fn of_networks_that_hold_as_many_the_longest_silent_connection_goes() {
        for addresses in [
            ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
            ["10.0.0.3", "10.0.0.2", "10.0.0.1"],
            ["10.0.0.2", "2001:db8::1", "10.0.0.1"],
        ] {
            let places = places(3);
            let held = addresses.map(|address| take(&places, address));
            let _new = take(&places, "192.0.2.1");
            assert_eq!(
                held.each_ref().map(has_gone),
                [true, false, false],
                "{addresses:?}"
            );
        }
    }

    #[test]
    fn the_network_that_holds_most_gives_up_its_longest_silent_connection() {
        for many in [
            ["10.0.0.9", "10.0.0.9"],
            ["::ffff:10.0.0.9", "10.0.0.9"],
            // One network of IPv6, by two of its addresses.
            ["2001:db8:1:2::1", "2001:db8:1:2:ffff::2"],
        ] {
            let places = places(3);
            let first = take(&places, "10.0.0.1");
            let held = many.map(|address| take(&places, address));
            let _new = take(&places, "192.0.2.1");
            assert!(!has_gone(&first), "{many:?}");
            assert_eq!(held.each_ref().map(has_gone), [true, false], "{many:?}");
        }
        // The control: two networks.
        let places = places(3);
        let first = take(&places, "10.0.0.1");
        let _others = ["2001:db8:1:2::1", "2001:db8:1:3::1"].map(|a| take(&places, a));
        let _new = take(&places, "192.0.2.1");
        assert!(has_gone(&first));
    }

    #[test]
    fn who_takes_nothing_of_an_answer_goes_before_who_waits_for_one() {
        let places = places(3);
        let held = ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|address| take(&places, address));
        held.iter().for_each(Place::answers);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(places.take(address).is_none(), "all wait");
        held[1].stalls(Some(Instant::now()));
        held[2].stalls(Some(Instant::now()));
        // It takes some again.
        held[1].stalls(None);
        let _new = take(&places, "192.0.2.1");
        assert_eq!(held.each_ref().map(has_gone), [false, false, true]);
    }

    #[test]
    fn bodies_that_come_in_are_given_up_for_others_and_whole_ones_are_not() {
        let places = places(9);
        let [whole, large, larger, other] =
            [1, 2, 2, 3].map(|n| take(&places, &format!("10.0.0.{n}")));
        assert!(whole.holds(400));
        whole.answers();
        assert!(large.holds(250) && larger.holds(300) && other.holds(50));
        // At the bound, and one past it: the network with the most has to go, the
        // longest silent first.
        assert!(!has_gone(&large) && other.holds(1));
        assert!(has_gone(&large) && !has_gone(&larger) && !has_gone(&whole));
        assert!(!large.holds(1), "it has no place any more");
        // Whoever holds most itself is refused, and others are not.
        assert!(!larger.holds(300) && larger.releases());
        assert!(!has_gone(&other) && !has_gone(&larger) && other.holds(549));
        // What is being answered counts until it is answered.
        assert!(!other.holds(1) && other.releases());
        assert!(!whole.releases() && other.holds(ROOM));
        drop(other);
        assert!(whole.holds(ROOM));
    }
}
