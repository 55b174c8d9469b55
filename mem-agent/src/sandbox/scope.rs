//! A scratchpad as the scope of the loop.

use std::sync::Arc;

use memex_agent::{Cancellation, Error, Ran, Scope};
use memex_memory::Mode;

use super::result::render;
use super::scratchpad::{Assigned, BlockOutcome, Scratchpad};
use super::workplace::Workplace;

/// A scratchpad of a workplace, made when the first block runs.
pub(crate) struct MemoryScope {
    workplace: Workplace,
    name: String,
    mode: Mode,
    result_bytes_max: usize,
    scratchpad: Option<Scratchpad>,
}

impl MemoryScope {
    /// Changes are journalled under `name`; results have the words of `mode`.
    pub(crate) fn new(
        workplace: &Workplace,
        name: &str,
        mode: Mode,
        result_bytes_max: usize,
    ) -> Self {
        Self {
            workplace: workplace.clone(),
            name: name.to_owned(),
            mode,
            result_bytes_max,
            scratchpad: None,
        }
    }

    /// The block as the loop records it. What the tools and Python itself warn
    /// of stands in the words for the model alone.
    fn ran(&self, block: BlockOutcome, scratchpad: &mut Scratchpad) -> Ran {
        let time_ms = self.workplace.code_time_ms();
        let text = render(Some(&block), self.mode, time_ms, self.result_bytes_max);
        let names = match block.assigned {
            Some(Assigned::Names(changed)) => changed.names,
            _ => Vec::new(),
        };
        let mut outcome = scratchpad.said(&block.outcome);
        outcome.stderr.clear();
        Ran {
            outcome,
            names,
            shown: Some(text),
            ..Ran::default()
        }
    }
}

impl Scope for MemoryScope {
    fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error> {
        let mut scratchpad = match self.scratchpad.take() {
            Some(scratchpad) => scratchpad,
            None => self.workplace.scratchpad(&self.name)?,
        };
        let stop = Arc::new(scratchpad.interrupter());
        let block = cancellation.during(stop, || scratchpad.run(code, self.mode));
        // A session that was lost is not kept.
        let block = block.transpose()?;
        let ran = match block {
            Some(block) if !cancellation.is_cancelled() => Ok(self.ran(block, &mut scratchpad)),
            // A stopped block is not reported.
            _ => Err(Error::Cancelled),
        };
        self.scratchpad = Some(scratchpad);
        ran
    }
}
