//! Carrying out the actions of a model.

use memex_host_tools::Broker;
use tokio::task::{block_in_place, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::scope::Scope;
use crate::{Cancellation, Error, Ran};

pub(crate) enum Hands {
    /// A scope on the run's own thread, which waits for its blocks.
    Code(Box<dyn Scope>),
    /// A scope on threads that may block, so that the run is a future that can
    /// be dropped.
    Lent(Lent),
    /// Tools, without a scope.
    Tools(Box<Broker>),
}

/// A scope that is lent to a thread for each block.
pub(crate) struct Lent {
    /// None while a block runs, and after one that was given up.
    scope: Option<Box<dyn Scope>>,
    make: Box<dyn FnMut() -> Box<dyn Scope> + Send>,
}

impl Hands {
    /// Runs a block; none if there is no scope.
    pub(super) async fn run(
        &mut self,
        code: &str,
        cancellation: &Cancellation,
    ) -> Result<Option<Ran>, Error> {
        match self {
            // What the block calls may wait for futures.
            Self::Code(scope) => block_in_place(|| scope.run(code, cancellation)).map(Some),
            Self::Lent(lent) => lent.run(code, cancellation).await.map(Some),
            Self::Tools(_) => Ok(None),
        }
    }
}

impl Lent {
    /// `make` makes a scope whenever there is none.
    pub(crate) fn new(make: impl FnMut() -> Box<dyn Scope> + Send + 'static) -> Self {
        Self {
            scope: None,
            make: Box::new(make),
        }
    }

    async fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error> {
        let mut scope = self.scope.take().unwrap_or_else(&mut self.make);
        let mut given_up = StopOnDrop(Some(cancellation.clone()));
        let (code, cancellation) = (code.to_owned(), cancellation.clone());
        // Until the block is over, even if its waiter is gone.
        let over = CancellationToken::new();
        let (ends, insisting) = (over.clone().drop_guard(), cancellation.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = over.cancelled() => {}
                never = insisting.insist() => match never {},
            }
        });
        let ran = spawn_blocking(move || {
            let _ends = ends;
            let ran = scope.run(&code, &cancellation);
            (scope, ran)
        });
        let ran = ran.await;
        given_up.0 = None;
        let (scope, ran) = ran.map_err(|_| Error::Lost)?;
        self.scope = Some(scope);
        ran
    }
}

/// Ends the block when its waiter is gone.
struct StopOnDrop(Option<Cancellation>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(cancellation) = &self.0 {
            // The second time it is hard.
            cancellation.cancel();
            cancellation.cancel();
        }
    }
}
