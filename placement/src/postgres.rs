//! PostgreSQL: three tables, and one statement for each step.
//!
//! The server's clock is the only one that is looked at.

use crate::entry::damaged;
use crate::{
    Claim, Committed, Entry, Epoch, Error, Lease, Name, Node, NodeState, Placement, Sequence,
    Settings,
};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Row};

const ENGINE: &str = "PostgreSQL";
/// How long a statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is made if it is not there. Two nodes may come at once, hence the lock.
const TABLES: &str = "
BEGIN;
SELECT pg_advisory_xact_lock(7092166482159);
CREATE TABLE IF NOT EXISTS memex_nodes (
    cluster text, node text, state text NOT NULL, until timestamptz NOT NULL,
    PRIMARY KEY (cluster, node));
CREATE TABLE IF NOT EXISTS memex_leases (
    cluster text, session text, node text, epoch bigint NOT NULL,
    PRIMARY KEY (cluster, session));
CREATE TABLE IF NOT EXISTS memex_log (
    cluster text, session text, sequence bigint, entry bytea NOT NULL,
    PRIMARY KEY (cluster, session, sequence));
COMMIT;
";

const RENEW: &str = "
INSERT INTO memex_nodes VALUES ($1, $2, $3, now() + $4::bigint * interval '1 ms')
ON CONFLICT (cluster, node) DO UPDATE SET state = excluded.state, until = excluded.until";

/// The lease if it is free, ended, the node's own or the one to be taken over.
const CLAIM: &str = "
INSERT INTO memex_leases AS lease VALUES ($1, $2, $3, 1)
ON CONFLICT (cluster, session) DO UPDATE SET node = excluded.node, epoch = lease.epoch + 1
WHERE lease.node IS NULL OR lease.node = excluded.node OR lease.epoch = $4
   OR NOT EXISTS (SELECT 1 FROM memex_nodes AS n
                  WHERE n.cluster = $1 AND n.node = lease.node AND n.until > now())
RETURNING epoch";

/// An entry behind the expected one, and the oldest away. Of two that come at once, one
/// finds the key taken.
const COMMIT: &str = "
WITH last AS (
    SELECT coalesce(max(sequence), 0) AS sequence FROM memex_log
    WHERE cluster = $1 AND session = $2
), added AS (
    INSERT INTO memex_log
    SELECT $1, $2, last.sequence + 1, $4 FROM last WHERE last.sequence = $3
    ON CONFLICT DO NOTHING
    RETURNING sequence
), trimmed AS (
    DELETE FROM memex_log USING added
    WHERE cluster = $1 AND session = $2 AND memex_log.sequence <= added.sequence - $5
)
SELECT sequence FROM added";

/// A placement in a PostgreSQL database.
pub struct Postgres {
    config: Config,
    client: Mutex<Option<Arc<Client>>>,
    settings: Settings,
}

impl Postgres {
    /// Connects to `postgresql://user:password@host/database`, and makes the tables that
    /// are not there.
    ///
    /// `sslmode` of the URL is obeyed: `disable`, `prefer` (the default) or `require`,
    /// with the certificates of the system.
    pub async fn connect(url: &str, settings: Settings) -> Result<Self, Error> {
        let mut config: Config = url
            .parse()
            .map_err(|error| Error::unavailable(ENGINE, "take the address", error))?;
        config.connect_timeout(STATEMENT_TIMEOUT);
        let placement = Self {
            config,
            client: Mutex::default(),
            settings,
        };
        let client = placement.client().await?;
        let made = within(client.batch_execute(TABLES)).await;
        made.map_err(|error| Error::unavailable(ENGINE, "make the tables", error))?;
        Ok(placement)
    }

    /// The connection; a new one if the last has ended.
    async fn client(&self) -> Result<Arc<Client>, Error> {
        let mut held = self.client.lock().await;
        if let Some(client) = held.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let failed = |error| Error::unavailable(ENGINE, "let us in", error);
        let tls = match self.config.get_ssl_mode() {
            SslMode::Disable => memex_tls::plain_client_config(),
            _ => memex_tls::client_config(),
        };
        let tls = tls.map_err(failed_tls)?;
        let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
        let (client, connection) = self.config.connect(tls).await.map_err(failed)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "the connection to PostgreSQL ended");
            }
        });
        let client = Arc::new(client);
        *held = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn rows(
        &self,
        action: &'static str,
        statement: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let client = self.client().await?;
        within(client.query(statement, values))
            .await
            .map_err(|error| Error::unavailable(ENGINE, action, error))
    }

    fn cluster(&self) -> &str {
        self.settings.cluster.as_str()
    }
}

fn failed_tls(error: impl std::fmt::Display) -> Error {
    Error::unavailable(ENGINE, "let us in", error.to_string())
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn within<T>(
    work: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(STATEMENT_TIMEOUT, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err("it took more than 5 s".into()),
    }
}

/// Numbers of the database are signed.
fn unsigned(number: i64, place: &str) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| damaged(place, "a number is below zero"))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[async_trait]
impl Placement for Postgres {
    async fn renew(&self, node: &Name, state: NodeState) -> Result<(), Error> {
        let lifetime = i64::try_from(self.settings.node_lifetime.as_millis()).unwrap_or(i64::MAX);
        let values: [&(dyn ToSql + Sync); 4] =
            [&self.cluster(), &node.as_str(), &state.text(), &lifetime];
        self.rows("renew a node", RENEW, &values).await.map(drop)
    }

    async fn leave(&self, node: &Name) -> Result<(), Error> {
        let statement = "DELETE FROM memex_nodes WHERE cluster = $1 AND node = $2";
        let values: [&(dyn ToSql + Sync); 2] = [&self.cluster(), &node.as_str()];
        self.rows("let a node leave", statement, &values)
            .await
            .map(drop)
    }

    async fn nodes(&self) -> Result<Vec<Node>, Error> {
        let statement = "SELECT node, state FROM memex_nodes
            WHERE cluster = $1 AND until > now() ORDER BY node COLLATE \"C\"";
        let rows = self
            .rows("list the nodes", statement, &[&self.cluster()])
            .await?;
        let nodes = rows.iter().filter_map(|row| {
            let name = Name::new(row.try_get(0).ok()?).ok()?;
            let state = NodeState::of_text(row.try_get::<_, &str>(1).ok()?.as_bytes());
            Some(Node { name, state })
        });
        Ok(nodes.collect())
    }

    async fn owner(&self, session: &Name) -> Result<Option<Lease>, Error> {
        let statement = "SELECT node, epoch FROM memex_leases
            WHERE cluster = $1 AND session = $2 AND node IS NOT NULL";
        let values: [&(dyn ToSql + Sync); 2] = [&self.cluster(), &session.as_str()];
        let rows = self.rows("read a lease", statement, &values).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let place = format!("the lease on {session}");
        let of = |error: tokio_postgres::Error| damaged(&place, &error.to_string());
        let node: &str = row.try_get(0).map_err(of)?;
        Ok(Some(Lease {
            session: session.clone(),
            node: Name::new(node).map_err(|error| damaged(&place, &error.to_string()))?,
            epoch: unsigned(row.try_get(1).map_err(of)?, &place)?,
        }))
    }

    async fn claim(
        &self,
        session: &Name,
        node: &Name,
        over: Option<Epoch>,
    ) -> Result<Claim, Error> {
        let over = over.map(signed);
        let values: [&(dyn ToSql + Sync); 4] =
            [&self.cluster(), &session.as_str(), &node.as_str(), &over];
        // Twice: who has it may give it back between the two questions.
        for _ in 0..2 {
            let rows = self.rows("claim a session", CLAIM, &values).await?;
            if let Some(row) = rows.first() {
                let place = format!("the lease on {session}");
                let epoch = row.try_get(0);
                let epoch = epoch.map_err(|error| damaged(&place, &error.to_string()))?;
                return Ok(Claim::Ours(Lease {
                    session: session.clone(),
                    node: node.clone(),
                    epoch: unsigned(epoch, &place)?,
                }));
            }
            if let Some(owner) = self.owner(session).await? {
                return Ok(Claim::Theirs(owner));
            }
        }
        let reason = "others take the session again and again";
        Err(Error::unavailable(ENGINE, "settle who runs it", reason))
    }

    async fn release(&self, lease: &Lease) -> Result<(), Error> {
        let statement = "UPDATE memex_leases SET node = NULL
            WHERE cluster = $1 AND session = $2 AND epoch = $3";
        let epoch = signed(lease.epoch);
        let values: [&(dyn ToSql + Sync); 3] = [&self.cluster(), &lease.session.as_str(), &epoch];
        self.rows("give a lease back", statement, &values)
            .await
            .map(drop)
    }

    async fn commit(
        &self,
        session: &Name,
        expected: Sequence,
        entry: &Entry,
    ) -> Result<Sequence, Error> {
        let bytes = entry.encode()?;
        let after = signed(expected);
        let kept = i64::from(self.settings.entries_kept.max(1));
        let values: [&(dyn ToSql + Sync); 5] =
            [&self.cluster(), &session.as_str(), &after, &bytes, &kept];
        let rows = self.rows("commit", COMMIT, &values).await?;
        match rows.first() {
            Some(row) => {
                let sequence = row.try_get(0);
                let sequence = sequence.map_err(|error| damaged("the log", &error.to_string()))?;
                unsigned(sequence, "the log")
            }
            None => Err(Error::Conflict { expected }),
        }
    }

    async fn last(&self, session: &Name) -> Result<Option<Committed>, Error> {
        let statement = "SELECT sequence, entry FROM memex_log
            WHERE cluster = $1 AND session = $2 ORDER BY sequence DESC LIMIT 1";
        let values: [&(dyn ToSql + Sync); 2] = [&self.cluster(), &session.as_str()];
        let rows = self.rows("read a log", statement, &values).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let place = format!("the log of {session}");
        let of = |error: tokio_postgres::Error| damaged(&place, &error.to_string());
        let bytes: &[u8] = row.try_get(1).map_err(of)?;
        Ok(Some(Committed {
            sequence: unsigned(row.try_get(0).map_err(of)?, &place)?,
            entry: Entry::decode(bytes, &place)?,
        }))
    }
}
