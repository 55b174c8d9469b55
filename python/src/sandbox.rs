//! What sessions are made from.

use std::sync::Arc;

use memex_runtime::Generators;
use memex_sessions::{Error, SavedSession, Suspendable, open_store, options};
use pyo3::prelude::*;

use crate::errors::{Class, assembling, raise, runtime, suspension};
use crate::owned::Owned;
use crate::parts::{Parts, new_name};
use crate::session::Session;
use crate::sink::Listener;
use crate::snapshot::{Snapshot, decode, waiting_of};
use crate::turns::Turns;

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
        if parts.suspends {
            if saved_as.is_some() {
                let message = "a session with client tools cannot be saved by name yet; \
                     keep its snapshots, or make its tools functions of this process";
                return Err(raise(py, Class::Session, message));
            }
            return self.suspendable(py).map(|session| (session, Vec::new()));
        }
        let (name, listener) = (new_name(), Listener::default());
        let opened = py.detach(|| open(parts, &name, &listener, saved_as, store, fresh_generators));
        let (turns, lost) = opened.map_err(|error| assembling(py, &error))?;
        Ok((Session::new(Arc::clone(parts), turns, name, listener), lost))
    }

    /// A session in the state of a snapshot.
    #[pyo3(signature = (snapshot, keep_generators=false))]
    fn restore(
        &self,
        py: Python<'_>,
        snapshot: &Snapshot,
        keep_generators: bool,
    ) -> PyResult<(Session, Vec<String>)> {
        let (_, snapshot) = snapshot.inner.get(py)?;
        self.restored(py, snapshot, keep_generators)
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
        Ok(Session::new(Arc::clone(parts), turns, name, listener))
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

impl Sandbox {
    fn suspendable(&self, py: Python<'_>) -> PyResult<Session> {
        let parts = self.inner.get(py)?;
        let (name, listener) = (new_name(), Listener::default());
        let Some(tools) = &parts.tools else {
            return Err(raise(py, Class::Session, "the sandbox has no client tools"));
        };
        let made = py.detach(|| {
            let options = options(None, Some(Box::new(listener.clone())));
            Suspendable::new(&parts.sandbox, tools.broker(&name), options)
        });
        let made = made.map_err(|error| suspension(py, &error))?;
        let turns = Turns::suspendable(made);
        Ok(Session::new(Arc::clone(parts), turns, name, listener))
    }

    fn restored(
        &self,
        py: Python<'_>,
        snapshot: &memex_runtime::Snapshot,
        keep_generators: bool,
    ) -> PyResult<(Session, Vec<String>)> {
        let parts = self.inner.get(py)?;
        if parts.suspends {
            let mut session = self.suspendable(py)?;
            let lost = session.rewound(py, snapshot)?;
            return Ok((session, lost));
        }
        let generators = match keep_generators {
            true => Generators::Keep,
            false => Generators::Fresh,
        };
        let (name, listener) = (new_name(), Listener::default());
        let restored = py.detach(|| {
            let options = parts.options(&name, &listener);
            parts.sandbox.restore(snapshot, generators, options)
        });
        let (session, lost) = restored.map_err(|error| runtime(py, &error))?;
        let lost = lost.into_iter().map(|file| file.path).collect();
        let turns = Turns::plain(session, None);
        Ok((Session::new(Arc::clone(parts), turns, name, listener), lost))
    }
}

fn open(
    parts: &Parts,
    name: &str,
    listener: &Listener,
    saved_as: Option<&str>,
    store: Option<&str>,
    fresh_generators: bool,
) -> Result<(Turns, Vec<String>), Error> {
    let options = parts.options(name, listener);
    let Some(saved_as) = saved_as else {
        let session = parts.sandbox.session(options)?;
        return Ok((Turns::plain(session, None), Vec::new()));
    };
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
    let (session, lost) = if own {
        saved.resume(&parts.sandbox, options)?
    } else {
        let mut silent = memex_runtime::NoProgress;
        let sandbox = parts
            .resolved
            .sandbox_on(&parts.host, image.as_deref(), &mut silent)?;
        saved.resume(&sandbox, options)?
    };
    Ok((Turns::plain(session, Some(saved)), lost))
}
