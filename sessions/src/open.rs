//! From a resolved spec to a session.

use memex_channel::HostCalls;
use memex_external::Secrets;
use memex_runtime::{
    Error as RuntimeError, NoProgress, OutputSink, Progress, Sandbox, Session, SessionOptions,
};

use crate::error::Error;
use crate::host::Host;
use crate::inputs::put_inputs;
use crate::resolved::Resolved;
use crate::saved::SavedSession;
use crate::spec::{ImageSource, SessionSpec};
use crate::tools::Tools;

/// What audit records call the session of a spec that does not name one.
const MAIN: &str = "main";

/// A session, and what has to live as long.
pub struct Opened {
    /// The session.
    pub session: Session,
    /// What further sessions of the spec are made from.
    pub sandbox: Sandbox,
    /// Its tools, and the gate to them.
    pub tools: Option<Tools>,
    /// Where it is saved.
    pub saved: Option<SavedSession>,
    /// Files that were open when it was saved, and cannot be opened again.
    pub lost_files: Vec<String>,
}

/// Makes the session of a spec: [`SessionSpec::resolve`] and
/// [`Resolved::open`] in one, without output sink and progress.
///
/// # Errors
/// Those of the two.
pub fn open(spec: &SessionSpec, host: &Host, secrets: &dyn Secrets) -> Result<Opened, Error> {
    let resolved = spec.resolve()?;
    resolved.open(host, secrets, None, &mut NoProgress)
}

impl Resolved {
    /// Makes the session: starts its tools, loads its image, continues the saved
    /// session, and puts the inputs into its scope. The image is that of the
    /// spec, built on first need; where the spec asks for none, a saved session
    /// goes on with the one that it was saved on. Output goes to `sink` as it comes, besides the outcome.
    ///
    /// Blocks; call it from a thread that is not the tokio runtime's own.
    ///
    /// # Errors
    /// Those of [`Resolved::tools`], [`Resolved::sandbox_on`], [`Resolved::saved`]
    /// and [`SavedSession::resume`], and [`Error::Input`].
    pub fn open(
        &self,
        host: &Host,
        secrets: &dyn Secrets,
        sink: Option<Box<dyn OutputSink>>,
        progress: &mut dyn Progress,
    ) -> Result<Opened, Error> {
        let tools = self.tools(host, secrets)?;
        let saved = self.saved(host)?;
        let image = match &saved {
            None => None,
            Some(saved) => saved.image()?,
        };
        let sandbox = self.sandbox_on(host, image.as_deref(), progress)?;
        let options = options(tools.as_ref(), sink);
        let (mut session, lost_files) = match &saved {
            None => (sandbox.session(options)?, Vec::new()),
            Some(saved) => saved.resume(&sandbox, options)?,
        };
        put_inputs(&mut session, &self.spec().inputs)?;
        Ok(Opened {
            session,
            sandbox,
            tools,
            saved,
            lost_files,
        })
    }

    /// The image of the spec, bound to its policy.
    ///
    /// # Errors
    /// As [`Images::sandbox`](crate::Images::sandbox).
    pub fn sandbox(&self, host: &Host, progress: &mut dyn Progress) -> Result<Sandbox, Error> {
        self.sandbox_on(host, None, progress)
    }

    /// As [`Resolved::sandbox`]; where the spec asks for no image, on the one of
    /// this name, which is what the record of a snapshot has.
    ///
    /// # Errors
    /// [`Error::SavedImage`] when that image is not there, and as
    /// [`Resolved::sandbox`].
    pub fn sandbox_on(
        &self,
        host: &Host,
        image: Option<&str>,
        progress: &mut dyn Progress,
    ) -> Result<Sandbox, Error> {
        let images = host.images()?;
        let policy = self.policy().clone();
        let asked_for = &self.spec().image;
        let Some(name) = image.filter(|_| asked_for.is_default()) else {
            return images.sandbox(asked_for, policy, progress);
        };
        let saved_on = ImageSource {
            name: Some(name.to_owned()),
            ..ImageSource::default()
        };
        let sandbox = images.sandbox(&saved_on, policy, progress);
        sandbox.map_err(|error| match error {
            Error::Runtime(RuntimeError::NoImage { key, place }) => {
                Error::SavedImage { image: key, place }
            }
            other => other,
        })
    }
}

/// What a session gets so that its output reaches the sink, and its calls the
/// tools.
pub fn options(tools: Option<&Tools>, sink: Option<Box<dyn OutputSink>>) -> SessionOptions {
    SessionOptions {
        calls: tools.map(|tools| Box::new(tools.broker(MAIN)) as Box<dyn HostCalls>),
        sink,
        ..SessionOptions::default()
    }
}
