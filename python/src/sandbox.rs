//! What sessions are made from.

use std::sync::Arc;

use memex_runtime::Generators;
use memex_sessions::{SavedSession, Suspendable, open_store, options};
use pyo3::prelude::*;

use crate::errors::{Class, raise, suspension};
use crate::owned::Owned;
use crate::parts::{Made, Parts, new_name};
use crate::session::Session;
use crate::sink::Listener;
use crate::snapshot::{Snapshot, decode, waiting_of};
use crate::turns::{Fault, Turns};

/// A policy bound to an image and tools.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Sandbox {
    inner: Owned<Arc<Parts>>,
}

impl Sandbox {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            inner: Owned::new(Arc::new(parts)),
        }
    }
}

#[pymethods]
impl Sandbox {
    /// A fresh session; or the saved one of a name, in a store, with the files that
    /// were open and are gone.
    #[pyo3(signature = (saved_as=None, store=None, fresh_generators=false))]
    fn session(
        &self,
        py: Python<'_>,
        saved_as: Option<&str>,
        store: Option<&str>,
        fresh_generators: bool,
    ) -> PyResult<(Session, Vec<String>)> {
        let parts = self.inner.get(py)?;
        let opened = py.detach(|| match saved_as {
            None => fresh(parts),
            Some(name) => saved(parts, name, store, fresh_generators),
        });
        let (made, lost) = opened.map_err(|fault| fault.raised(py))?;
        Ok((Session::new(Arc::clone(parts), made), lost))
    }

    /// A session in the state of a snapshot.
    #[pyo3(signature = (snapshot, keep_generators=false))]
    fn restore(
        &self,
        py: Python<'_>,
        snapshot: &Snapshot,
        keep_generators: bool,
    ) -> PyResult<(Session, Vec<String>)> {
        let parts = self.inner.get(py)?;
        let (_, snapshot) = snapshot.inner.get(py)?;
        let generators = match keep_generators {
            true => Generators::Keep,
            false => Generators::Fresh,
        };
        let restored = py.detach(|| parts.restored(&parts.sandbox, snapshot, generators));
        let (made, lost) = restored.map_err(|fault| fault.raised(py))?;
        Ok((Session::new(Arc::clone(parts), made), lost))
    }

    /// A session that waits as it did where it was hibernated.
    fn wake(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<Session> {
        let parts = self.inner.get(py)?;
        let (name, listener) = (new_name(), Listener::default());
        let (Some(saved), Some(tools)) = (waiting_of(bytes), &parts.tools) else {
            let message = "these bytes are no session of this version that waits, or the sandbox \
                           has none of its tools";
            return Err(raise(py, Class::Snapshot, message));
        };
        let woken = py.detach(|| {
            let options = options(None, Some(Box::new(listener.clone())));
            Suspendable::restore(&parts.sandbox, &saved, tools.broker_builder(&name), options)
        });
        let woken = woken.map_err(|error| suspension(py, &error))?;
        let turns = Turns::suspendable(woken);
        Ok(Session::new(Arc::clone(parts), (turns, name, listener)))
    }

    /// The snapshot in some bytes.
    fn decode(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<Snapshot> {
        let parts = self.inner.get(py)?;
        let snapshot = decode(py, &parts.sandbox, bytes)?;
        Ok(Snapshot::new(parts.sandbox.clone(), snapshot))
    }

    /// The policy, as TOML.
    #[getter]
    fn policy(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.inner.get(py)?.resolved.policy().to_toml())
    }

    /// The name of the image.
    #[getter]
    fn image(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.inner.get(py)?.sandbox.image().name().to_owned())
    }

    /// The stubs of the tools, as a model is told of them.
    fn stubs(&self, py: Python<'_>) -> PyResult<Vec<(String, String)>> {
        let tools = &self.inner.get(py)?.tools;
        let entries = tools.iter().flat_map(|tools| tools.toolbox().iter());
        Ok(entries
            .map(|entry| {
                let stub = entry.stub(memex_host_tools::Form::Full);
                (entry.spec().name.clone(), stub)
            })
            .collect())
    }
}

/// A session of its own.
fn fresh(parts: &Parts) -> Result<(Made, Vec<String>), Fault> {
    let (name, listener) = (new_name(), Listener::default());
    let (turns, ()) = parts.turns(&name, &listener, |options| {
        Ok((parts.sandbox.session(options)?, ()))
    })?;
    Ok(((turns, name, listener), Vec::new()))
}

/// The saved session of a name, with the files that were open and are gone.
fn saved(
    parts: &Parts,
    saved_as: &str,
    store: Option<&str>,
    fresh_generators: bool,
) -> Result<(Made, Vec<String>), Fault> {
    let generators = match fresh_generators {
        true => Generators::Fresh,
        false => Generators::Keep,
    };
    let store = open_store(store, &parts.host)?;
    let saved = SavedSession::open(store, saved_as, generators)?;
    let image = saved.image()?;
    let own = image
        .as_deref()
        .is_none_or(|image| image == parts.sandbox.image().name());
    let sandbox = match own {
        true => parts.sandbox.clone(),
        false => {
            let silent = &mut memex_runtime::NoProgress;
            parts
                .resolved
                .sandbox_on(&parts.host, image.as_deref(), silent)?
        }
    };
    let (name, listener) = (new_name(), Listener::default());
    let (mut turns, lost) = parts.turns(&name, &listener, |options| {
        Ok(saved.resume(&sandbox, options)?)
    })?;
    turns.save_as(saved);
    Ok(((turns, name, listener), lost))
}
