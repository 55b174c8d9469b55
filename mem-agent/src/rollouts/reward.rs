//! The reward of an episode.

use std::collections::BTreeMap;

use memex_memory::StaticMemory;
use memex_trajectories::{StepKind, Trajectory};
use serde::{Deserialize, Serialize};

use crate::Blocks;
use crate::bench::{Judgment, Task, Verdict};

/// How much each part counts. They need not add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Of the form of the replies. Default 0.1.
    pub format: f64,
    /// Of the judgment. Default 0.6.
    pub judge: f64,
    /// Of what became of the memory. Default 0.3.
    pub memory: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            format: 0.1,
            judge: 0.6,
            memory: 0.3,
        }
    }
}

/// The reward of an episode: each part from 0 to 1, and their weighted mean.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Reward {
    /// The part of the replies that have thoughts and exactly one of a Python
    /// block and an answer.
    pub format: f64,
    /// 1 if the answer was judged right.
    pub judge: f64,
    /// How much of what should have changed in the memory did; without an
    /// update, 1 if it is as it was.
    pub memory: f64,
    /// The weighted mean.
    pub total: f64,
}

impl Reward {
    /// The reward of an episode.
    #[must_use]
    pub fn of(
        runs: &[Trajectory],
        judgment: &Judgment,
        task: &Task,
        before: &StaticMemory,
        after: Option<&StaticMemory>,
        weights: Weights,
    ) -> Self {
        let format = format(runs);
        let judge = f64::from(u8::from(judgment.verdict == Verdict::Correct));
        let memory = after.map_or(0.0, |after| memory(task, before, after));
        let sum = weights.format + weights.judge + weights.memory;
        let weighted = weights.format * format + weights.judge * judge + weights.memory * memory;
        Self {
            format,
            judge,
            memory,
            total: if sum > 0.0 { weighted / sum } else { 0.0 },
        }
    }
}

/// The part of the replies that are as they should be.
fn format(runs: &[Trajectory]) -> f64 {
    let steps = runs.iter().flat_map(|run| &run.steps);
    let replies = steps.filter(|step| step.kind == StepKind::Model);
    let (mut good, mut all) = (0_u32, 0_u32);
    for step in replies {
        let blocks = Blocks::parse(&step.text);
        let thinks = !blocks.thoughts.is_empty() || step.reasoning.is_some();
        let one = blocks.python.is_empty() != blocks.reply.is_empty();
        all += 1;
        good += u32::from(thinks && one);
    }
    if all == 0 {
        0.0
    } else {
        f64::from(good) / f64::from(all)
    }
}

/// How much of what should have changed did.
fn memory(task: &Task, before: &StaticMemory, after: &StaticMemory) -> f64 {
    let changed = before != after;
    if task.update.is_none() {
        return f64::from(u8::from(!changed));
    }
    let wanted = task.diff.as_str().map(wanted).unwrap_or_default();
    if wanted.is_empty() {
        return f64::from(u8::from(changed));
    }
    let lines: Vec<&str> = texts(after).flat_map(str::lines).map(str::trim).collect();
    let met = wanted
        .iter()
        .filter(|(is_there, line)| lines.contains(&line.as_str()) == *is_there);
    met.count() as f64 / wanted.len() as f64
}

/// The lines of a diff: whether each is to be there, and the line.
fn wanted(diff: &str) -> Vec<(bool, String)> {
    let lines = diff.lines().filter(|line| {
        let heads = ["+++", "---", "@@"];
        !heads.iter().any(|head| line.starts_with(head))
    });
    let lines = lines.filter_map(|line| {
        let (is_there, rest) = match line.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, line.strip_prefix('-')?),
        };
        let rest = rest.trim();
        (!rest.is_empty()).then(|| (is_there, rest.to_owned()))
    });
    lines.collect()
}

fn texts(memory: &StaticMemory) -> impl Iterator<Item = &str> {
    let entities = memory.entities.iter();
    let entities = entities.map(|entity| entity.entity_file_content.as_str());
    std::iter::once(memory.user_md.as_str()).chain(entities)
}

/// The files that differ, each with what it holds before and after; absent is
/// `None`.
#[must_use]
pub fn changes<'m>(
    before: &'m StaticMemory,
    after: &'m StaticMemory,
) -> Vec<(&'m str, Option<&'m str>, Option<&'m str>)> {
    let (before, after) = (files(before), files(after));
    let paths: std::collections::BTreeSet<&str> =
        before.keys().chain(after.keys()).copied().collect();
    let both = paths.into_iter().map(|path| {
        let at = |files: &BTreeMap<&str, &'m str>| files.get(path).copied();
        (path, at(&before), at(&after))
    });
    both.filter(|(_, before, after)| before != after).collect()
}

fn files(memory: &StaticMemory) -> BTreeMap<&str, &str> {
    let entities = memory.entities.iter();
    let mut files: BTreeMap<&str, &str> = entities
        .map(|entity| {
            let path = entity.entity_file_path.as_str();
            (path, entity.entity_file_content.as_str())
        })
        .collect();
    files.insert("user.md", &memory.user_md);
    files
}
