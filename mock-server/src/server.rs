//! Listening: a server, as its owner sees it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use memex_models::Script;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::connection;
use crate::shared::{MockServerOptions, Received, Shared};

/// A running server. Dropping it ends it and its connections.
#[derive(Debug)]
pub struct MockServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl MockServer {
    /// Starts on a free port of the loopback address.
    ///
    /// # Errors
    /// If the system gives no port.
    pub async fn start(script: Script, options: MockServerOptions) -> io::Result<Self> {
        Self::start_at(([127, 0, 0, 1], 0).into(), script, options).await
    }

    /// Starts at an address.
    ///
    /// # Errors
    /// If the system does not give it.
    pub async fn start_at(
        address: SocketAddr,
        script: Script,
        options: MockServerOptions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(script, options));
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// The base URL to give to a model.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What it was sent so far, the last ten thousand requests of it.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().iter().cloned().collect()
    }

    /// Waits until clients gave up so many requests before their answers ended.
    pub async fn abandoned(&self, count: usize) {
        let mut abandoned = self.shared.abandoned.subscribe();
        // The sender lives as long as this does.
        let _ = abandoned.wait_for(|number| *number >= count).await;
    }
}

impl Drop for MockServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(connection::serve(socket, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}
