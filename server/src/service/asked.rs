//! An answer of a memory's agent, there or on its way.

use memex_mem_agent::Stopper;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::error::ServiceError;

/// An answer of a memory's agent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// The reply to the person; none where the agent used its turns up.
    pub reply: Option<String>,
    /// How often the model was called.
    pub calls: u32,
    /// Tokens into the model.
    pub input_tokens: u64,
    /// Tokens out of it.
    pub output_tokens: u64,
    /// US dollars, where the price of the model is known.
    pub cost_usd: Option<f64>,
}

/// An answer on its way. Dropped before its end, the agent is stopped.
pub struct Asking {
    pub(super) events: mpsc::Receiver<(&'static str, Value)>,
    pub(super) answer: tokio::task::JoinHandle<Result<Asked, ServiceError>>,
    pub(super) stopper: Stopper,
    pub(super) is_over: bool,
}

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asking")
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

impl Asking {
    /// What the agent does next: `asked`, `runs` or `result`, and more about it; none once
    /// there is an answer.
    pub async fn next(&mut self) -> Option<(&'static str, Value)> {
        self.events.recv().await
    }

    /// The answer.
    ///
    /// # Errors
    /// When the model fails, or the memory does.
    pub async fn answer(&mut self) -> Result<Asked, ServiceError> {
        while self.events.recv().await.is_some() {}
        let answered = (&mut self.answer).await;
        self.is_over = true;
        answered.unwrap_or_else(|_| Err(ServiceError::internal("the answer met a fault")))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_over {
            // It ends by itself, so that what it used is counted.
            let _met = self.stopper.stop();
        }
    }
}
