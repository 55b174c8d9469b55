//! What this process gives to its sandboxes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use memex_external::Secrets;
use memex_host_tools::Tool;
use memex_sessions::{Error, Resolved, SessionSpec, Tools};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::errors::{Class, assembling, raise};
use crate::owned::Owned;
use crate::progress::{Event, Sent};
use crate::sandbox::{Parts, Sandbox};
use crate::tools::ToolDefinition;

/// Threads of the tokio runtime: tools wait far more than they compute.
const THREADS_MAX: usize = 8;
/// Room for the deepest guest stack by default, so that nothing has to map one.
const STACK_BYTES: usize = 64 << 20;
/// How long a wait for an image lasts before signals are looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Directories, variables and the threads of tools; one for a process.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Host {
    inner: Owned<Inner>,
}

struct Inner {
    host: memex_sessions::Host,
    secrets: Arc<Named>,
    runtime: Arc<OnceLock<Runtime>>,
}

/// Secrets of tool files, by name.
struct Named(BTreeMap<String, String>);

impl Secrets for Named {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

#[pymethods]
impl Host {
    #[new]
    fn new(
        cache: Option<PathBuf>,
        data: Option<PathBuf>,
        variables: BTreeMap<String, OsString>,
        store_variables: BTreeMap<String, String>,
        secrets: BTreeMap<String, String>,
        guest_package: Option<PathBuf>,
    ) -> Self {
        let runtime = Arc::<OnceLock<Runtime>>::default();
        let started = Arc::clone(&runtime);
        let host = memex_sessions::Host::starting(move || start(&started))
            .cache_directory(cache)
            .data_directory(data)
            .guest_package(guest_package)
            .variables(variables)
            .store_variables(store_variables);
        Self {
            inner: Owned::new(Inner {
                host,
                secrets: Arc::new(Named(secrets)),
                runtime,
            }),
        }
    }

    /// Makes the sandbox of a spec, which is JSON, with these tools beside those of
    /// the spec. Builds its image if that is not there; `progress` is called with the
    /// kind of an event, a text and a number.
    fn sandbox(
        &self,
        py: Python<'_>,
        spec: &str,
        tools: Vec<Py<ToolDefinition>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Sandbox> {
        let inner = self.inner.get(py)?;
        let spec = SessionSpec::from_json(spec.as_bytes());
        let spec = spec.map_err(|error| assembling(py, &error))?;
        let own: Vec<Arc<dyn Tool>> = tools.iter().map(|tool| tool.get().tool(py)).collect();
        let suspends = tools.iter().any(|tool| tool.get().is_client());
        let (sender, events) = channel();
        let (done, mut result) = channel();
        let (host, secrets) = (inner.host.clone(), Arc::clone(&inner.secrets));
        // On a thread of its own: it may take minutes, and the caller has to look at
        // signals meanwhile. What is built when nobody waits any more is in the cache.
        std::thread::Builder::new()
            .name("memex-sandbox".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let _gone = done.send(make(&spec, own, &host, secrets.as_ref(), sender));
            })?;
        loop {
            let waited = &mut result;
            let made = py.detach(move || waited.recv_timeout(LOOK));
            while let Ok(event) = events.try_recv() {
                report(py, progress.as_ref(), &event)?;
            }
            match made {
                Ok(Ok((resolved, tools, sandbox))) => {
                    return Ok(Sandbox::new(Parts {
                        sandbox,
                        resolved,
                        tools,
                        host: inner.host.clone(),
                        suspends,
                    }));
                }
                Ok(Err(error)) => return Err(assembling(py, &error)),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
                Err(RecvTimeoutError::Disconnected) => {
                    let message = "making the sandbox ended in a panic of the host";
                    return Err(raise(py, Class::Memex, message));
                }
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A tool may wait for ever; its thread must not keep the process.
        if let Some(runtime) = Arc::get_mut(&mut self.runtime).and_then(OnceLock::take) {
            runtime.shutdown_background();
        }
    }
}

fn make(
    spec: &SessionSpec,
    own: Vec<Arc<dyn Tool>>,
    host: &memex_sessions::Host,
    secrets: &dyn Secrets,
    sender: std::sync::mpsc::Sender<Event>,
) -> Result<(Resolved, Option<Tools>, memex_runtime::Sandbox), Error> {
    let mut resolved = spec.resolve()?;
    if !own.is_empty() {
        resolved = resolved.granting_tools()?;
    }
    let tools = resolved.tools_and(own, host, secrets)?;
    let sandbox = resolved.sandbox(host, &mut Sent(sender))?;
    Ok((resolved, tools, sandbox))
}

fn report(py: Python<'_>, progress: Option<&Py<PyAny>>, event: &Event) -> PyResult<()> {
    let Some(progress) = progress else {
        return Ok(());
    };
    match event {
        Event::Begin(stage, total) => progress.call1(py, ("begin", *stage, *total)),
        Event::Advance(done) => progress.call1(py, ("advance", "", Some(*done))),
        Event::End => progress.call1(py, ("end", "", None::<u64>)),
        Event::Note(text) => progress.call1(py, ("note", text, None::<u64>)),
    }?;
    Ok(())
}

/// The handle of the runtime, which starts when tools first need it.
fn start(place: &OnceLock<Runtime>) -> io::Result<Handle> {
    if let Some(runtime) = place.get() {
        return Ok(runtime.handle().clone());
    }
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads.clamp(2, THREADS_MAX))
        .thread_name("memex-tokio")
        .enable_all()
        .build()?;
    Ok(place.get_or_init(|| runtime).handle().clone())
}
