//! Taking up a run from its record, for the fuzz target.

use memex_trajectories::TrajectoryReader;

use super::resuming::{inputs, retell, whole_steps};
use crate::{AgentConfig, Conversation, OutputSchema};

/// The conversation with which a run is taken up whose trajectory's file has
/// these bytes.
///
/// # Errors
/// Says why it cannot be.
pub fn taken_up(bytes: &[u8], config: &AgentConfig) -> Result<Conversation, String> {
    let reader = TrajectoryReader::new(bytes, "run.jsonl").map_err(|error| error.to_string())?;
    let loaded = reader.collect_all().map_err(|error| error.to_string())?;
    let loaded = loaded.trajectory;
    let output = loaded.metadata.get("output").cloned();
    output
        .map(OutputSchema::new)
        .transpose()
        .map_err(|error| error.to_string())?;
    inputs(&loaded).map_err(|error| error.to_string())?;
    let mut conversation = Conversation::new(config, Vec::new(), &loaded.id);
    let mut call_id = None;
    for step in whole_steps(&loaded.steps) {
        retell(&mut conversation, step, &mut call_id, &config.observations);
    }
    Ok(conversation)
}
