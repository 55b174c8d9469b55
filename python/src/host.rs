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
use memex_runtime::Progress;
use memex_sessions::{Error, Resolved, SessionSpec, Tools};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::errors::{Class, assembling, raise};
use crate::owned::Owned;
use crate::parts::Parts;
use crate::progress::{Event, Sent};
use crate::sandbox::Sandbox;
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
        interpreter: Option<(PathBuf, Vec<OsString>)>,
    ) -> Self {
        // Processes of tools end with this one, however it ends.
        let supervisor = interpreter.and_then(|(program, prefix)| {
            memex_cli::Installation::interpreted(program, prefix).supervisor()
        });
        let runtime = Arc::<OnceLock<Threads>>::default();
        let host = memex_sessions::Host::starting(move || start(&runtime))
            .cache_directory(cache)
            .data_directory(data)
            .guest_package(guest_package)
            .supervisor(supervisor)
            .variables(variables)
            .store_variables(store_variables);
        Self {
            inner: Owned::new(Inner {
                host,
                secrets: Arc::new(Named(secrets)),
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
        let made = self.build(py, progress.as_ref(), move |building| {
            make(&spec, own, building)
        })?;
        let (resolved, tools, sandbox) = made.map_err(|error| assembling(py, &error))?;
        Ok(Sandbox::new(Parts {
            sandbox,
            resolved,
            tools,
            host: inner.host.clone(),
            suspends,
        }))
    }
}

/// What is at hand where something is built.
pub(crate) struct Building<'a> {
    pub(crate) host: &'a memex_sessions::Host,
    pub(crate) secrets: &'a dyn Secrets,
    pub(crate) progress: &'a mut dyn Progress,
}

impl Host {
    /// Builds something that may take minutes on a thread of its own, since the caller
    /// has to look at signals meanwhile. What is built when nobody waits any more is in
    /// the cache.
    pub(crate) fn build<T: Send + 'static>(
        &self,
        py: Python<'_>,
        progress: Option<&Py<PyAny>>,
        work: impl FnOnce(&mut Building<'_>) -> T + Send + 'static,
    ) -> PyResult<T> {
        let inner = self.inner.get(py)?;
        let (sender, events) = channel();
        let (done, mut result) = channel();
        let (host, secrets) = (inner.host.clone(), Arc::clone(&inner.secrets));
        std::thread::Builder::new()
            .name("memex-build".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut building = Building {
                    host: &host,
                    secrets: secrets.as_ref(),
                    progress: &mut Sent(sender),
                };
                let _gone = done.send(work(&mut building));
            })?;
        loop {
            let waited = &mut result;
            let made = py.detach(move || waited.recv_timeout(LOOK));
            while let Ok(event) = events.try_recv() {
                report(py, progress, &event)?;
            }
            match made {
                Ok(made) => return Ok(made),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
                Err(RecvTimeoutError::Disconnected) => {
                    let message = "what was built ended in a panic of the host";
                    return Err(raise(py, Class::Memex, message));
                }
            }
        }
    }
}

/// The threads of tools and models.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        // A tool may wait for ever; its thread must keep neither whoever drops the last
        // of what uses it, nor the process.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn make(
    spec: &SessionSpec,
    own: Vec<Arc<dyn Tool>>,
    building: &mut Building<'_>,
) -> Result<(Resolved, Option<Tools>, memex_runtime::Sandbox), Error> {
    let mut resolved = spec.resolve()?;
    if !own.is_empty() {
        resolved = resolved.granting_tools()?;
    }
    let tools = resolved.tools_and(own, building.host, building.secrets)?;
    let sandbox = resolved.sandbox(building.host, building.progress)?;
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
fn start(place: &OnceLock<Threads>) -> io::Result<Handle> {
    let handle = |threads: &Threads| {
        let runtime = threads.0.as_ref();
        let runtime = runtime.ok_or_else(|| io::Error::other("the threads have ended"))?;
        Ok(runtime.handle().clone())
    };
    if let Some(threads) = place.get() {
        return handle(threads);
    }
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let runtime = Builder::new_multi_thread()
        .worker_threads(workers.clamp(2, THREADS_MAX))
        .thread_name("memex-tokio")
        .enable_all()
        .build()?;
    handle(place.get_or_init(|| Threads(Some(runtime))))
}
