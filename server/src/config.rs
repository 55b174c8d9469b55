//! The operator's file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use memex_policies::{Policy, Preset};
use memex_sessions::load_policy;
use serde::Deserialize;

use crate::agents::{AgentSettings, Catalogue};
use crate::http::ServeOptions;
use crate::operations::traces::{Collector, TraceSettings};
use crate::operations::webhooks::{WebhookSettings, WebhookTarget};
use crate::sandbox::Durability;
use crate::service::ServiceOptions;
use crate::tenants::{Quota, Tenant};

/// The tenant of `--dev`, and of servers whose file names none.
pub const DEFAULT_TENANT: &str = "default";
/// Sessions of one policy that may live in the process: the pool and the quotas bound them.
const LIVE_SESSIONS: u64 = 1_000_000;

/// What an operator writes. Every field may be left out; unknown ones are refused.
///
/// ```
/// use memex_server::config::Config;
///
/// let config = Config::read(
///     "listen = '127.0.0.1:8700'\n[tenants.acme]\npolicy = 'compute'\nquota.turns = 4\n",
/// )?;
/// assert_eq!(config.tenants["acme"].quota.turns, 4);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Default: `127.0.0.1:8700`.
    pub listen: Option<SocketAddr>,
    /// The data directory.
    pub data: Option<PathBuf>,
    /// Where snapshots are kept: a directory, or `s3://BUCKET/PREFIX`.
    pub store: Option<String>,
    /// Threads that run turns.
    pub threads: Option<usize>,
    /// Sandboxes that are idle in a slot.
    pub awake_max: Option<usize>,
    /// Bytes that sleeping sandboxes may hold in memory.
    pub memory_bytes: Option<u64>,
    /// Seconds until an idle sandbox sleeps.
    pub idle_s: Option<u64>,
    /// Seconds until a sleeping sandbox is in the store alone.
    pub memory_idle_s: Option<u64>,
    /// Days until a sandbox that nobody uses ends.
    pub unused_days: Option<u64>,
    /// Turns of a sandbox that can be gone back to.
    pub history_turns: Option<u64>,
    /// What an acknowledged turn survives: `memory`, `process` or `power`.
    pub durability: Option<Durability>,
    /// Connections at once.
    pub connections_max: Option<usize>,
    /// Bytes of a request's body.
    pub body_max_bytes: Option<u64>,
    /// Bytes of all bodies that are held.
    pub bodies_max_bytes: Option<u64>,
    /// Seconds that turns have to end when the server stops.
    pub grace_s: Option<u64>,
    /// The certificate of a server that speaks TLS. Default: plain HTTP.
    pub tls: Option<TlsConfig>,
    /// The agents that clients may run, by name. Default: none.
    pub agents: BTreeMap<String, AgentSettings>,
    /// Where requests are traced to. Default: nowhere.
    pub traces: Option<TraceSettings>,
    /// Where it is told what happens. Default: nowhere.
    pub webhooks: Vec<WebhookSettings>,
    /// The tenants, by name. None: one that is called `default`.
    pub tenants: BTreeMap<String, TenantConfig>,
}

/// The certificate of a server, as the operator writes it: files in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The chain of certificates, the server's first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A tenant, as the operator writes it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TenantConfig {
    /// What its sandboxes may do at most: a preset or a policy file. Default: `compute`.
    pub policy: Option<String>,
    /// Images that it may name besides the standard one.
    pub images: Vec<String>,
    /// The agents that it may run. Default: all.
    pub agents: Option<Vec<String>>,
    /// How much it may use.
    pub quota: Quota,
    /// Seconds that a sandbox lives which does not say.
    pub lifetime_s: Option<u64>,
    /// Seconds that one may ask for.
    pub lifetime_max_s: Option<u64>,
}

impl Config {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong, with line and column.
    pub fn read(text: &str) -> Result<Self, String> {
        memex_settings::read(text).map_err(|error| error.to_string())
    }

    /// The same with paths relative to this folder, which is where the file is.
    #[must_use]
    pub fn anchored(mut self, folder: &Path) -> Self {
        self.data = self.data.map(|data| folder.join(data));
        let is_path = |place: &String| !place.contains("://");
        let store = self.store.take();
        self.store = store.map(|place| match is_path(&place) {
            true => folder.join(place).to_string_lossy().into_owned(),
            false => place,
        });
        self.tls = self.tls.map(|tls| TlsConfig {
            certificate: folder.join(tls.certificate),
            key: folder.join(tls.key),
        });
        self.agents = std::mem::take(&mut self.agents)
            .into_iter()
            .map(|(name, agent)| (name, agent.anchored(folder)))
            .collect();
        for tenant in self.tenants.values_mut() {
            let policy = tenant.policy.take();
            tenant.policy = policy.map(|policy| match Preset::from_name(&policy) {
                Ok(_) => policy,
                Err(_) => folder.join(policy).to_string_lossy().into_owned(),
            });
        }
        self
    }

    /// The tenants, with their policies read.
    ///
    /// # Errors
    /// What is wrong with a name or a policy.
    pub fn tenants(&self) -> Result<Vec<Tenant>, String> {
        let standard = BTreeMap::from([(DEFAULT_TENANT.to_owned(), TenantConfig::default())]);
        let tenants = match self.tenants.is_empty() {
            true => &standard,
            false => &self.tenants,
        };
        let made = tenants.iter().map(|(name, tenant)| {
            tenant
                .made(name)
                .map_err(|what| format!("tenants.{name}: {what}"))
        });
        made.collect()
    }

    /// The agents that clients may run. `variable` reads the environment, which holds the
    /// keys of their models.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn agents(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Catalogue, String> {
        let agents = self.agents.iter();
        let made = agents.map(|(name, agent)| {
            agent
                .build(name, variable)
                .map_err(|what| format!("agents.{name}: {what}"))
        });
        made.collect()
    }

    /// Where it is told what happens. `variable` reads the environment, which holds the
    /// secrets of signatures.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn webhooks(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<WebhookTarget>, String> {
        let webhooks = self.webhooks.iter().enumerate();
        let made = webhooks.map(|(at, webhook)| {
            webhook
                .build(variable)
                .map_err(|what| format!("webhooks, number {}: {what}", at + 1))
        });
        made.collect()
    }

    /// Where requests are traced to.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn collector(&self) -> Result<Option<Collector>, String> {
        let collector = self.traces.as_ref().map(TraceSettings::build).transpose();
        collector.map_err(|what| format!("traces.{what}"))
    }

    /// What the service is to do, with this data directory where the file names none.
    #[must_use]
    pub fn service(&self, data: &Path) -> ServiceOptions {
        let standard = ServiceOptions::new(self.data.clone().unwrap_or_else(|| data.to_owned()));
        let seconds =
            |wanted: Option<u64>, standard: Duration| wanted.map_or(standard, Duration::from_secs);
        let day = 86_400;
        let unused = self.unused_days.map(|days| days.saturating_mul(day));
        ServiceOptions {
            store: self.store.clone(),
            threads: self.threads.unwrap_or(standard.threads),
            awake_max: self.awake_max.unwrap_or(standard.awake_max),
            memory_bytes: self.memory_bytes.unwrap_or(standard.memory_bytes),
            idle: seconds(self.idle_s, standard.idle),
            memory_idle: seconds(self.memory_idle_s, standard.memory_idle),
            unused: seconds(unused, standard.unused),
            history_turns: self.history_turns.unwrap_or(standard.history_turns).max(1),
            durability: self.durability.unwrap_or(standard.durability),
            ..standard
        }
    }

    /// What only the start of a server takes up: everything but the tenants, the
    /// agents, the webhooks, the traces and the certificate's files.
    #[must_use]
    pub fn fixed(&self) -> Self {
        Self {
            tenants: BTreeMap::new(),
            agents: BTreeMap::new(),
            webhooks: Vec::new(),
            traces: None,
            tls: None,
            ..self.clone()
        }
    }

    /// How the server is to listen.
    #[must_use]
    pub fn serving(&self) -> ServeOptions {
        let standard = ServeOptions::default();
        ServeOptions {
            connections_max: self
                .connections_max
                .unwrap_or(standard.connections_max)
                .max(1),
            body_max_bytes: self.body_max_bytes.unwrap_or(standard.body_max_bytes),
            bodies_max_bytes: self.bodies_max_bytes.unwrap_or(standard.bodies_max_bytes),
            grace: self.grace_s.map_or(standard.grace, Duration::from_secs),
            certificates: None,
        }
    }
}

impl TenantConfig {
    fn made(&self, name: &str) -> Result<Tenant, String> {
        let reference = self.policy.as_deref().unwrap_or("compute");
        let mut policy: Policy = load_policy(reference).map_err(|error| error.to_string())?;
        let raised = policy.set_limit("live_sessions", LIVE_SESSIONS);
        raised.map_err(|error| error.to_string())?;
        let tenant = Tenant::new(name, Arc::new(policy), self.quota)?;
        let lifetime = self
            .lifetime_s
            .map_or(crate::tenants::LIFETIME, Duration::from_secs);
        let most = self
            .lifetime_max_s
            .map_or(crate::tenants::LIFETIME_MAX, Duration::from_secs);
        let tenant = tenant
            .images(self.images.clone())
            .agents(self.agents.clone());
        Ok(tenant.lifetimes(lifetime, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_with_places_and_without_strangers() {
        for (text, what) in [
            ("listen = 'nowhere'", "line 1, column 10"),
            ("listen_at = 'x'", "unknown field"),
            ("[tenants.a]\nquotas = 1", "unknown field"),
            ("[tenants.a.quota]\nturns = -1", "line 2"),
        ] {
            let error = Config::read(text).unwrap_err();
            assert!(error.contains(what), "{text}: {error}");
        }
    }

    #[test]
    fn without_tenants_there_is_one_and_bad_ones_are_told() {
        let tenants = Config::default().tenants().unwrap();
        assert_eq!(tenants[0].name(), DEFAULT_TENANT);
        for (text, what) in [
            ("[tenants.'A/b']", "a tenant's name"),
            ("[tenants.a]\npolicy = 'no-such.toml'", "tenants.a"),
        ] {
            let config = Config::read(text).unwrap().anchored(Path::new("/nowhere"));
            let error = config.tenants().unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }
}
