//! Memories of Markdown files, and agents that answer from them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use memex_mem_agent::{AgentOptions, Answer, Event, Piece, Section, Stopper, Workplace, policy};
use memex_memory::{Author, Mode, Options, Raised, Undo};
use memex_models::Prices;
use memex_sessions::ImageSource;
use parking_lot::{Mutex, MutexGuard};
use pyo3::exceptions::{
    PyFileNotFoundError, PyOSError, PyPermissionError, PyRuntimeError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use serde_json::json;
use tokio::runtime::Handle;

use crate::agent_model::ModelSource;
use crate::agent_trajectory::Trajectory;
use crate::errors::{Class, memory_agent, raise};
use crate::host::Host;
use crate::owned::Owned;
use crate::signals::{Target, Watch, unraisable};
use crate::stopping::Stop;

/// A memory.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct Memory {
    inner: Owned<memex_memory::Memory>,
}

/// Who changes the memory, as its journal knows them.
fn author<'a>(session: &'a str, tool: &'a str) -> Author<'a> {
    Author {
        session,
        tool,
        deadline: None,
    }
}

fn raised(error: &Raised) -> PyErr {
    let message = error.message.clone();
    match error.class {
        "FileNotFoundError" => PyFileNotFoundError::new_err(message),
        "PermissionError" => PyPermissionError::new_err(message),
        "OSError" => PyOSError::new_err(message),
        "ValueError" => PyValueError::new_err(message),
        "TypeError" => PyTypeError::new_err(message),
        class => PyRuntimeError::new_err(format!("{class}: {message}")),
    }
}

fn refused(py: Python<'_>, error: &memex_memory::Error) -> PyErr {
    raise(py, Class::Memory, error.to_string())
}

#[pymethods]
impl Memory {
    /// The memory in a directory that is there.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, compat: bool) -> PyResult<Self> {
        let mode = match compat {
            true => Mode::Compat,
            false => Mode::Extended,
        };
        let opened = py.detach(|| memex_memory::Memory::open(&path, Options::of(mode)));
        let inner = opened.map_err(|error| {
            let message = format!("the memory {} cannot be opened: {error}", path.display());
            raise(py, Class::Memory, message)
        })?;
        Ok(Self {
            inner: Owned::new(inner),
        })
    }

    fn create_file(
        &self,
        py: Python<'_>,
        session: &str,
        file_path: &str,
        content: &str,
    ) -> PyResult<bool> {
        let memory = self.inner.get(py)?;
        let author = author(session, "create_file");
        let made = py.detach(|| memory.create_file(author, file_path, content));
        made.map_err(|error| raised(&error))
    }

    fn create_dir(&self, py: Python<'_>, session: &str, dir_path: &str) -> PyResult<bool> {
        let memory = self.inner.get(py)?;
        Ok(py.detach(|| memory.create_dir(author(session, "create_dir"), dir_path)))
    }

    /// None if it was updated, or what is wrong; and a warning.
    fn update_file(
        &self,
        py: Python<'_>,
        session: &str,
        file_path: &str,
        old_content: &str,
        new_content: &str,
    ) -> PyResult<(Option<String>, Option<String>)> {
        let memory = self.inner.get(py)?;
        let author = author(session, "update_file");
        let updated = py.detach(|| memory.update_file(author, file_path, old_content, new_content));
        Ok((updated.result.err(), updated.warning))
    }

    fn read_file(&self, py: Python<'_>, file_path: &str) -> PyResult<String> {
        let memory = self.inner.get(py)?;
        Ok(py.detach(|| memory.read_file(file_path)))
    }

    fn delete_file(&self, py: Python<'_>, session: &str, file_path: &str) -> PyResult<bool> {
        let memory = self.inner.get(py)?;
        Ok(py.detach(|| memory.delete_file(author(session, "delete_file"), file_path)))
    }

    fn check_if_file_exists(&self, py: Python<'_>, file_path: &str) -> PyResult<bool> {
        let memory = self.inner.get(py)?;
        Ok(py.detach(|| memory.check_if_file_exists(file_path)))
    }

    fn check_if_dir_exists(&self, py: Python<'_>, dir_path: &str) -> PyResult<bool> {
        let memory = self.inner.get(py)?;
        Ok(py.detach(|| memory.check_if_dir_exists(dir_path)))
    }

    fn list_files(&self, py: Python<'_>) -> PyResult<String> {
        let memory = self.inner.get(py)?;
        Ok(py.detach(|| memory.list_files()))
    }

    fn get_size(&self, py: Python<'_>, file_or_dir_path: &str) -> PyResult<u64> {
        let memory = self.inner.get(py)?;
        let size = py.detach(|| memory.get_size(file_or_dir_path));
        size.map_err(|error| raised(&error))
    }

    fn go_to_link(&self, py: Python<'_>, link_string: &str) -> PyResult<String> {
        let memory = self.inner.get(py)?;
        Ok(py.detach(|| memory.go_to_link(link_string)))
    }

    /// The newest changes, as JSON.
    fn log(&self, py: Python<'_>, limit: usize) -> PyResult<String> {
        let memory = self.inner.get(py)?;
        let changes = py.detach(|| memory.log(limit));
        let changes = changes.map_err(|error| refused(py, &error))?;
        Ok(json!(changes).to_string())
    }

    /// Undoes the newest changes, or one; returns them as JSON.
    fn undo(
        &self,
        py: Python<'_>,
        session: &str,
        newest: usize,
        change: Option<u64>,
        force: bool,
    ) -> PyResult<String> {
        let memory = self.inner.get(py)?;
        let what = change.map_or(Undo::Newest(newest), Undo::Change);
        let undone = py.detach(|| memory.undo(author(session, "undo"), what, force));
        let undone = undone.map_err(|error| refused(py, &error))?;
        Ok(json!(undone).to_string())
    }

    /// What is wrong with it, as JSON.
    fn check(&self, py: Python<'_>) -> PyResult<String> {
        let memory = self.inner.get(py)?;
        let findings = py.detach(|| memory.check());
        let findings = findings.map_err(|error| refused(py, &error))?;
        Ok(json!(findings).to_string())
    }

    /// Where agents work on it. The image may have to be built.
    fn workplace(
        &self,
        py: Python<'_>,
        host: &Host,
        code_time_s: f64,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<MemoryPlace> {
        let memory = self.inner.get(py)?.clone();
        let time = Duration::try_from_secs_f64(code_time_s)
            .map_err(|error| PyValueError::new_err(format!("code_time: {error}")))?;
        let policy = policy(time).map_err(|error| memory_agent(py, &error))?;
        let made = host.build(py, progress.as_ref(), move |building| {
            let (host, source) = (building.host, ImageSource::default());
            let images = host.images()?;
            let sandbox = images.sandbox(&source, Arc::new(policy), building.progress)?;
            let runtime = host.runtime()?;
            let place = Workplace::new(&memory, &sandbox, runtime.clone());
            let host = host.clone();
            Ok::<_, memex_sessions::Error>(place.map(|place| (place, runtime, host)))
        })?;
        let made = made.map_err(|error| crate::errors::assembling(py, &error))?;
        let place = made.map_err(|error| memory_agent(py, &error))?;
        Ok(MemoryPlace {
            inner: Owned::new(Arc::new(place)),
        })
    }
}

/// A sandbox on a memory, the threads of its tools, and what they end with.
type Place = (Workplace, Handle, memex_sessions::Host);

/// A memory and the sandbox in which code works on it.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct MemoryPlace {
    inner: Owned<Arc<Place>>,
}

#[pymethods]
impl MemoryPlace {
    /// An agent there: one conversation.
    #[pyo3(signature = (model, id, compat, training, system_prompt, turns, temperature, reply_tokens))]
    #[allow(clippy::too_many_arguments)]
    fn agent(
        &self,
        py: Python<'_>,
        model: &ModelSource,
        id: &str,
        compat: bool,
        training: bool,
        system_prompt: Option<String>,
        turns: Option<u32>,
        temperature: Option<f64>,
        reply_tokens: Option<u64>,
    ) -> PyResult<MemoryAgent> {
        let shared = self.inner.get(py)?;
        let (place, _, _) = &**shared;
        let mode = match compat {
            true => Mode::Compat,
            false => Mode::Extended,
        };
        let prices = Prices::built_in();
        let prices = prices.map_err(|error| raise(py, Class::Model, error.to_string()))?;
        let mut options = AgentOptions {
            temperature,
            max_tokens: reply_tokens,
            prices: Arc::new(prices),
            ..AgentOptions::of(mode)
        };
        if training {
            options = options.training();
        }
        if let Some(prompt) = system_prompt {
            options.system_prompt = prompt;
        }
        if let Some(turns) = turns {
            options.tool_turns_max = turns;
        }
        let agent = memex_mem_agent::Agent::new(place, model.model(), options, id);
        Ok(MemoryAgent {
            inner: Owned::new(Answering {
                stopper: agent.stopper(),
                agent: Mutex::new(Some(agent)),
                place: Arc::clone(shared),
            }),
        })
    }
}

struct Answering {
    agent: Mutex<Option<memex_mem_agent::Agent>>,
    stopper: Stopper,
    place: Arc<Place>,
}

impl Answering {
    /// The agent, unless it answers: the answer may need the thread that asks here.
    fn unless_busy(
        &self,
        py: Python<'_>,
    ) -> PyResult<MutexGuard<'_, Option<memex_mem_agent::Agent>>> {
        self.agent.try_lock().ok_or_else(|| {
            let message = "the conversation answers a question; wait for it, \
                           or begin another with Memory.conversation()";
            raise(py, Class::SessionBusy, message)
        })
    }
}

/// A conversation on a memory.
#[pyclass(frozen, module = "memex._memex")]
pub(crate) struct MemoryAgent {
    inner: Owned<Answering>,
}

#[pymethods]
impl MemoryAgent {
    /// Asks a question; the answer as JSON. `begins` is called once no other question is
    /// answered; `follow` gets the kind of an event and its text.
    fn ask(
        &self,
        py: Python<'_>,
        question: &str,
        begins: &Bound<'_, PyAny>,
        follow: Option<Py<PyAny>>,
        stop: &Stop,
    ) -> PyResult<String> {
        let inner = self.inner.get(py)?;
        let mut guard = inner.unless_busy(py)?;
        let agent = guard.as_mut().ok_or_else(|| {
            let message = "the conversation is finished; begin another with Memory.conversation()";
            raise(py, Class::Closed, message)
        })?;
        begins.call0()?;
        let mut watch = |event: Event<'_>| tell(follow.as_ref(), &event);
        let signals = Watch::begin(py, || Target::Run(stop.clone()))?;
        let stopper = inner.stopper.clone();
        let running = stop.begin(move || _ = stopper.stop());
        let runtime = &inner.place.1;
        let answered = py.detach(|| runtime.block_on(agent.ask(question, &mut watch)));
        drop(running);
        drop(signals);
        drop(guard);
        py.check_signals()?;
        let answer = answered.map_err(|error| memory_agent(py, &error))?;
        Ok(answer_json(&answer))
    }

    /// The messages so far, as JSON.
    fn conversation(&self, py: Python<'_>) -> PyResult<String> {
        let inner = self.inner.get(py)?;
        let guard = inner.unless_busy(py)?;
        Ok(match guard.as_ref() {
            Some(agent) => json!(agent.conversation()).to_string(),
            None => "[]".to_owned(),
        })
    }

    /// Ends the conversation: its record, or none if it was ended before.
    fn finish(&self, py: Python<'_>) -> PyResult<Option<Trajectory>> {
        let inner = self.inner.get(py)?;
        let Some(agent) = inner.unless_busy(py)?.take() else {
            return Ok(None);
        };
        let finished = py.detach(|| agent.finish());
        let trajectory = finished.map_err(|error| memory_agent(py, &error))?;
        Ok(Some(Trajectory::new(trajectory)))
    }
}

fn answer_json(answer: &Answer) -> String {
    json!({
        "reply": answer.reply,
        "thoughts": answer.thoughts,
        "python": answer.python,
        "calls": answer.calls,
        "input_tokens": answer.usage.input,
        "output_tokens": answer.usage.output,
        "cost_usd": answer.cost_usd,
    })
    .to_string()
}

fn tell(follow: Option<&Py<PyAny>>, event: &Event<'_>) {
    let Some(follow) = follow else {
        return;
    };
    let (kind, text) = match event {
        Event::Written(Piece::Text(section, text)) => match section {
            Section::Thoughts => ("thoughts", text.as_str()),
            Section::Python => ("python", text.as_str()),
            Section::Reply => ("reply", text.as_str()),
        },
        Event::Restarted => ("reset", ""),
        Event::Result(text) => ("result", *text),
        _ => return,
    };
    // At the interpreter's exit nobody follows any more.
    let _gone = Python::try_attach(|py| {
        if let Err(error) = follow.call1(py, (kind, text)) {
            unraisable(py, error);
        }
    });
}
