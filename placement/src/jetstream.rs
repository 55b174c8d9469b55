//! NATS with JetStream: leases and nodes as keys, logs as subjects of one stream.
//!
//! | kept | where | until |
//! |---|---|---|
//! | a node that is alive | bucket `CLUSTER-nodes`, key NODE | its lifetime after the last renewal |
//! | a lease | bucket `CLUSTER-leases`, key SESSION; its revision is the epoch | given back |
//! | a log | stream `CLUSTER-log`, subject `CLUSTER.log.SESSION` | so many entries |

use crate::entry::damaged;
use crate::{
    Claim, Committed, ENTRY_BYTES_MAX, Entry, Epoch, Error, Lease, Name, Node, NodeState,
    Placement, Sequence, Settings,
};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::kv::{self, CreateErrorKind, Operation, UpdateErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{self, LastRawMessageErrorKind};
use async_nats::jetstream::{self};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use std::time::Duration;

const ENGINE: &str = "NATS";
/// How long a request may take. A broker that is away is told soon.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a session is asked for again when others take and leave it meanwhile.
const CLAIMS_MAX: usize = 8;
/// Most nodes of a cluster; a bucket that has more is not ours.
const NODES_MAX: usize = 10_000;

/// A placement on a NATS server or cluster.
pub struct JetStream {
    context: jetstream::Context,
    nodes: kv::Store,
    leases: kv::Store,
    log: stream::Stream,
    prefix: String,
    settings: Settings,
}

impl JetStream {
    /// Connects to `nats://[user:password@]host:port` (several, with commas), and makes
    /// what is not there.
    pub async fn connect(url: &str, settings: Settings) -> Result<Self, Error> {
        let options = async_nats::ConnectOptions::new()
            .name("memex")
            .connection_timeout(REQUEST_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT));
        let client = options
            .connect(url)
            .await
            .map_err(|error| Error::unavailable(ENGINE, "let us in", error))?;
        Self::over(client, settings).await
    }

    /// Uses a connection that the caller made.
    pub async fn over(client: async_nats::Client, settings: Settings) -> Result<Self, Error> {
        let mut context = jetstream::new(client);
        context.set_timeout(REQUEST_TIMEOUT);
        let cluster = &settings.cluster;
        let bucket = |what: &str, max_age| kv::Config {
            bucket: format!("{cluster}-{what}"),
            history: 1,
            max_age,
            max_value_size: 1024,
            num_replicas: settings.replicas,
            ..Default::default()
        };
        let made = |error| Error::unavailable(ENGINE, "make a bucket of keys", error);
        let nodes = context.create_or_update_key_value(bucket("nodes", settings.node_lifetime));
        let nodes = nodes.await.map_err(made)?;
        let leases = context.create_or_update_key_value(bucket("leases", Duration::ZERO));
        let leases = leases.await.map_err(made)?;
        let prefix = format!("{cluster}.log.");
        let config = stream::Config {
            name: format!("{cluster}-log"),
            subjects: vec![format!("{prefix}*")],
            max_messages_per_subject: i64::from(settings.entries_kept.max(1)),
            max_message_size: i32::try_from(2 * ENTRY_BYTES_MAX).unwrap_or(i32::MAX),
            num_replicas: settings.replicas,
            discard: stream::DiscardPolicy::Old,
            ..Default::default()
        };
        context
            .create_or_update_stream(config.clone())
            .await
            .map_err(|error| Error::unavailable(ENGINE, "make the stream of logs", error))?;
        let log = context
            .get_stream(&config.name)
            .await
            .map_err(|error| Error::unavailable(ENGINE, "open the stream of logs", error))?;
        Ok(Self {
            context,
            nodes,
            leases,
            log,
            prefix,
            settings,
        })
    }

    /// The lease on a session as it is kept: who has it, and the revision of its key.
    async fn lease(&self, session: &Name) -> Result<Option<(Option<Name>, Epoch)>, Error> {
        let entry = self
            .leases
            .entry(session.as_str())
            .await
            .map_err(|error| Error::unavailable(ENGINE, "read a lease", error))?;
        let Some(entry) = entry else {
            return Ok(None);
        };
        if entry.operation != Operation::Put {
            return Ok(Some((None, entry.revision)));
        }
        let place = || format!("the lease on {session}");
        let text = std::str::from_utf8(&entry.value)
            .map_err(|error| damaged(&place(), &error.to_string()))?;
        let node = Name::new(text).map_err(|error| damaged(&place(), &error.to_string()))?;
        Ok(Some((Some(node), entry.revision)))
    }

    async fn is_alive(&self, node: &Name) -> Result<bool, Error> {
        let found = self.nodes.get(node.as_str()).await;
        let found = found.map_err(|error| Error::unavailable(ENGINE, "look for a node", error))?;
        Ok(found.is_some())
    }
}

#[async_trait]
impl Placement for JetStream {
    async fn renew(&self, node: &Name, state: NodeState) -> Result<(), Error> {
        let said = self.nodes.put(node.as_str(), state.text().into()).await;
        said.map(drop)
            .map_err(|error| Error::unavailable(ENGINE, "renew a node", error))
    }

    async fn leave(&self, node: &Name) -> Result<(), Error> {
        let left = self.nodes.delete(node.as_str()).await;
        left.map_err(|error| Error::unavailable(ENGINE, "let a node leave", error))
    }

    async fn nodes(&self) -> Result<Vec<Node>, Error> {
        let failed = |error| Error::unavailable(ENGINE, "list the nodes", error);
        let mut keys = self.nodes.keys().await.map_err(failed)?;
        let mut nodes = Vec::new();
        let listed = |error| Error::unavailable(ENGINE, "list the nodes", error);
        while let Some(key) = keys.try_next().await.map_err(listed)? {
            let Ok(name) = Name::new(&key) else {
                continue;
            };
            let state = self.nodes.get(name.as_str()).await;
            let state = state.map_err(|error| Error::unavailable(ENGINE, "read a node", error))?;
            if let Some(state) = state {
                let state = NodeState::of_text(&state);
                nodes.push(Node { name, state });
            }
            if nodes.len() > NODES_MAX {
                return Err(damaged("the list of nodes", "it has more than 10000"));
            }
        }
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(nodes)
    }

    async fn owner(&self, session: &Name) -> Result<Option<Lease>, Error> {
        let found = self.lease(session).await?;
        Ok(found.and_then(|(node, epoch)| {
            Some(Lease {
                session: session.clone(),
                node: node?,
                epoch,
            })
        }))
    }

    async fn claim(
        &self,
        session: &Name,
        node: &Name,
        over: Option<Epoch>,
    ) -> Result<Claim, Error> {
        for _ in 0..CLAIMS_MAX {
            let value = node.as_str().to_owned().into();
            let taken = match self.lease(session).await? {
                Some((Some(owner), epoch)) => {
                    let is_over = owner == *node || over == Some(epoch);
                    if !is_over && self.is_alive(&owner).await? {
                        return Ok(Claim::Theirs(Lease {
                            session: session.clone(),
                            node: owner,
                            epoch,
                        }));
                    }
                    match self.leases.update(session.as_str(), value, epoch).await {
                        Ok(epoch) => Some(epoch),
                        Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => None,
                        Err(error) => {
                            return Err(Error::unavailable(ENGINE, "move a lease", error));
                        }
                    }
                }
                Some((None, _)) | None => match self.leases.create(session.as_str(), value).await {
                    Ok(epoch) => Some(epoch),
                    Err(error) if error.kind() == CreateErrorKind::AlreadyExists => None,
                    Err(error) => return Err(Error::unavailable(ENGINE, "make a lease", error)),
                },
            };
            if let Some(epoch) = taken {
                return Ok(Claim::Ours(Lease {
                    session: session.clone(),
                    node: node.clone(),
                    epoch,
                }));
            }
        }
        let reason = "others take the session again and again";
        Err(Error::unavailable(ENGINE, "settle who runs it", reason))
    }

    async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let Some((Some(_), epoch)) = self.lease(&lease.session).await? else {
            return Ok(());
        };
        if epoch != lease.epoch {
            return Ok(());
        }
        let key = lease.session.as_str();
        match self.leases.delete_expect_revision(key, Some(epoch)).await {
            Ok(()) => Ok(()),
            // Taken over in this moment, or the broker is away: the lease of a node that
            // does not renew itself ends all the same.
            Err(error) => match self.lease(&lease.session).await? {
                Some((Some(_), now)) if now == epoch => {
                    Err(Error::unavailable(ENGINE, "give a lease back", error))
                }
                _ => Ok(()),
            },
        }
    }

    async fn commit(
        &self,
        session: &Name,
        expected: Sequence,
        entry: &Entry,
    ) -> Result<Sequence, Error> {
        let message = PublishMessage::build()
            .payload(entry.encode()?.into())
            .expected_last_subject_sequence(expected);
        let refused = |error: async_nats::jetstream::context::PublishError| match error.kind() {
            PublishErrorKind::WrongLastSequence => Error::Conflict { expected },
            _ => Error::unavailable(ENGINE, "commit", error),
        };
        let subject = format!("{}{session}", self.prefix);
        let sent = self.context.send_publish(subject, message).await;
        let stored = sent.map_err(refused)?.await.map_err(refused)?;
        Ok(stored.sequence)
    }

    async fn last(&self, session: &Name) -> Result<Option<Committed>, Error> {
        let subject = format!("{}{session}", self.prefix);
        // From the leader: a replica may be behind.
        let message = match self.log.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => message,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                return Ok(None);
            }
            Err(error) => return Err(Error::unavailable(ENGINE, "read a log", error)),
        };
        let entry = Entry::decode(&message.payload, &subject)?;
        Ok(Some(Committed {
            sequence: message.sequence,
            entry,
        }))
    }
}

impl std::fmt::Debug for JetStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JetStream")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
