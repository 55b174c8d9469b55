//! The record of a run, in memory and in its file.

use std::path::Path;
use std::time::{Duration, Instant};

use memex_trajectories::{
    Child, End, Header, Loaded, Status, Step, Timestamp, Totals, Trajectory, TrajectoryWriter,
};

use crate::Error;

/// Keeps what happens, as it happens.
pub(crate) struct Recorder {
    writer: Option<TrajectoryWriter>,
    trajectory: Trajectory,
    began: Instant,
}

impl Recorder {
    /// A record of nothing yet, in memory only.
    pub(crate) fn new(header: Header) -> Self {
        Self {
            writer: None,
            trajectory: header.into(),
            began: Instant::now(),
        }
    }

    pub(crate) fn create(path: Option<&Path>, header: Header) -> Result<Self, Error> {
        let task = header.task.clone();
        let mut recorder = Self::new(header);
        recorder.begin(&task, path)?;
        Ok(recorder)
    }

    /// Says what the task is, and makes the file, if there is to be one.
    pub(crate) fn begin(&mut self, task: &str, path: Option<&Path>) -> Result<(), Error> {
        task.clone_into(&mut self.trajectory.task);
        if let Some(path) = path {
            let header = self.trajectory.header();
            self.writer = Some(TrajectoryWriter::create(path, &header)?);
        }
        Ok(())
    }

    pub(crate) fn resume(path: &Path) -> Result<Self, Error> {
        let (writer, loaded) = TrajectoryWriter::resume(path, Timestamp::now())?;
        let Loaded { mut trajectory, .. } = loaded;
        trajectory.status = Status::Unfinished;
        Ok(Self {
            writer: Some(writer),
            trajectory,
            began: Instant::now(),
        })
    }

    pub(crate) fn trajectory(&self) -> &Trajectory {
        &self.trajectory
    }

    /// Adds a step, whose index is set here.
    pub(crate) fn step(&mut self, mut step: Step) -> Result<&Step, Error> {
        step.index = u32::try_from(self.trajectory.steps.len()).unwrap_or(u32::MAX);
        step.at.get_or_insert_with(Timestamp::now);
        if let Some(writer) = &mut self.writer {
            writer.step(&step)?;
        }
        self.trajectory.steps.push(step);
        self.trajectory.steps.last().ok_or(Error::Worker {
            what: "lost a step".to_owned(),
        })
    }

    /// The step that is under way: the one after the last.
    pub(crate) fn next_step(&self) -> u32 {
        u32::try_from(self.trajectory.steps.len()).unwrap_or(u32::MAX)
    }

    /// Adds a child, or what became of it.
    pub(crate) fn child(&mut self, child: Child) -> Result<(), Error> {
        if let Some(writer) = &mut self.writer {
            writer.child(&child)?;
        }
        let children = &mut self.trajectory.children;
        match children.iter_mut().find(|known| known.id == child.id) {
            Some(known) => *known = child,
            None => children.push(child),
        }
        Ok(())
    }

    /// Writes the end. The record is whole afterwards.
    pub(crate) fn end(
        &mut self,
        status: Status,
        answer: Option<String>,
        submission: Option<serde_json::Value>,
    ) -> Result<(), Error> {
        let mut totals = Totals::of(&self.trajectory.steps);
        totals.wall_ms = millis(self.began.elapsed());
        let end = End {
            ended: Some(Timestamp::now()),
            status,
            answer,
            submission,
            totals,
        };
        if let Some(writer) = self.writer.take() {
            writer.end(&end)?;
        }
        let trajectory = &mut self.trajectory;
        trajectory.ended = end.ended;
        trajectory.status = end.status;
        trajectory.answer = end.answer;
        trajectory.submission = end.submission;
        trajectory.totals = end.totals;
        Ok(())
    }
}

/// Code that came by a call, as it stands at the end of a step's text.
pub(crate) fn fenced(code: &str) -> String {
    format!("\n```python\n{code}\n```")
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
