//! The places of a server: who has one, and who has to give it up.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// All places of a server.
#[derive(Debug)]
pub(crate) struct Places {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    connections: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    address: IpAddr,
    /// Since when the client has sent nothing; none while it waits for an answer.
    silent_since: Option<Instant>,
    given_up: CancellationToken,
}

/// A place that is taken. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    given_up: CancellationToken,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// A place for a client; none if all are taken by clients that wait for
    /// answers.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock();
        if taken.connections.len() >= self.most {
            let (number, given_up) = taken.most_silent()?;
            tracing::debug!("a connection that sends nothing gives its place up");
            given_up.cancel();
            // Its task ends in its own time; the place is the new client's.
            taken.connections.remove(&number);
        }
        let number = taken.next;
        taken.next += 1;
        let given_up = CancellationToken::new();
        let connection = Connection {
            address,
            silent_since: Some(Instant::now()),
            given_up: given_up.clone(),
        };
        taken.connections.insert(number, connection);
        Some(Place {
            places: Arc::clone(self),
            number,
            given_up,
        })
    }

    /// Frees the place of the most silent client, if there is one.
    pub(crate) fn make_room(&self) {
        let mut taken = self.taken.lock();
        if let Some((number, given_up)) = taken.most_silent() {
            given_up.cancel();
            taken.connections.remove(&number);
        }
    }
}

impl Taken {
    /// The one that has been silent for longest, of the address that has most
    /// silent ones.
    fn most_silent(&self) -> Option<(u64, CancellationToken)> {
        let silent = || {
            let connections = self.connections.iter();
            connections.filter_map(|(number, connection)| {
                Some((*number, connection, connection.silent_since?))
            })
        };
        let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::new();
        for (_, connection, _) in silent() {
            *counts.entry(connection.address).or_default() += 1;
        }
        let (address, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        silent()
            .filter(|(_, connection, _)| connection.address == address)
            .min_by_key(|(number, _, since)| (*since, *number))
            .map(|(number, connection, _)| (number, connection.given_up.clone()))
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

    fn set(&self, silent_since: Option<Instant>) {
        let mut taken = self.places.taken.lock();
        if let Some(connection) = taken.connections.get_mut(&self.number) {
            connection.silent_since = silent_since;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.lock().connections.remove(&self.number);
    }
}
