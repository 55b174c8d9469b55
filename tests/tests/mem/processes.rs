//! Eight agents, each a process of its own, write one memory at once; half of
//! them are killed again and again in the middle.

use crate::memex::{command, memex, spawn};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const AGENTS: usize = 8;
/// Of each agent: 1,000 of all.
const UPDATES: u32 = 125;
/// How often an agent that is killed is killed.
const KILLS: u32 = 3;

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(place.memory()).unwrap();
        let lines: String = (0..AGENTS).map(|agent| line(agent, 0)).collect();
        std::fs::write(place.memory().join("counts.md"), lines).unwrap();
        place
    }

    fn memory(&self) -> PathBuf {
        self.directory.path().join("memory")
    }

    /// What the agents have counted to, if the file is whole.
    fn counts(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.memory().join("counts.md")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), AGENTS, "torn: {text:?}");
        let count = |(agent, line): (usize, &&str)| {
            let rest = line.strip_prefix(&format!("- agent_{agent}: ")).unwrap();
            rest.strip_suffix(" end").unwrap().parse().unwrap()
        };
        lines.iter().enumerate().map(count).collect()
    }

    /// What the model of an agent writes: a block for every update from a count
    /// on, and an answer.
    fn script(&self, agent: usize, from: u32) -> String {
        let block = |count: u32| {
            let (old, new) = (line(agent, count), line(agent, count + 1));
            let code = format!(
                "done_{} = update_file('counts.md', {old:?}, {new:?})",
                count + 1
            );
            format!("<think>count</think><python>{code}</python>")
        };
        let blocks = (from..UPDATES).map(block);
        let replies = blocks.chain(["<think>done</think><reply>Counted.</reply>".to_owned()]);
        let lines: Vec<String> = replies
            .map(|text| serde_json::json!({"text": text}).to_string())
            .collect();
        let path = self.directory.path().join(format!("{agent}-{from}.jsonl"));
        std::fs::write(&path, lines.join("\n")).unwrap();
        format!("script:{}", path.display())
    }
}

fn line(agent: usize, count: u32) -> String {
    format!("- agent_{agent}: {count} end\n")
}

/// The count that a result acknowledges.
fn acknowledged(line: &str) -> Option<u32> {
    let (_, rest) = line.split_once("{'done_")?;
    rest.strip_suffix("': True}")?.parse().ok()
}

/// Runs one agent until it has counted to the end; `kills` times it is killed in
/// the middle, and another process goes on from what the file says.
fn drive(place: &Place, agent: usize, kills: u32) {
    let memory = place.memory().display().to_string();
    let mut known = 0;
    for kill in 0..=kills {
        let from = place.counts()[agent];
        assert!(from >= known, "{from} < {known}: lost");
        let model = place.script(agent, from);
        let mut process = spawn(&mut command(&[
            "mem",
            "ask",
            "count",
            "--memory",
            &memory,
            "--model",
            &model,
            "--compat",
            "--show",
            "--tool-turns",
            "200",
        ]));
        let until = UPDATES / (kills + 1) * (kill + 1);
        let mut told = String::new();
        for line in BufReader::new(process.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(count) = acknowledged(&line) else {
                told.push_str(&line);
                continue;
            };
            assert_eq!(count, known.max(from) + 1, "agent {agent}");
            known = count;
            if kill < kills && count >= until {
                process.kill().unwrap();
                break;
            }
        }
        let status = process.wait().unwrap();
        assert_eq!(status.success(), kill == kills, "agent {agent}: {told}");
    }
    assert_eq!(known, UPDATES);
}

#[test]
fn a_thousand_updates_of_eight_processes_are_all_there_though_some_are_killed() {
    let place = Place::new();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let place = &place;
        // Whoever reads meanwhile sees whole files that only go forward.
        let reader = scope.spawn(|| {
            let mut before = vec![0; AGENTS];
            while !is_over.load(Ordering::Relaxed) {
                let now = place.counts();
                assert!(now.iter().zip(&before).all(|(now, before)| now >= before));
                before = now;
            }
        });
        let agents: Vec<_> = (0..AGENTS)
            .map(|agent| {
                let kills = if agent % 2 == 0 { KILLS } else { 0 };
                scope.spawn(move || drive(place, agent, kills))
            })
            .collect();
        let ended: Vec<_> = agents.into_iter().map(|agent| agent.join()).collect();
        is_over.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
    assert_eq!(place.counts(), vec![UPDATES; AGENTS]);
    journal_tells_every_update(&place.memory());
}

/// The journal has each update of each agent once, each on top of the one before.
fn journal_tells_every_update(memory: &Path) {
    let memory = memory.display().to_string();
    let log = memex(&["mem", "log", "--json", "-n", "5000", "--memory", &memory]).objects();
    assert_eq!(log.len(), AGENTS * UPDATES as usize);
    assert!(
        log.windows(2)
            .all(|pair| pair[0]["before"] == pair[1]["after"])
    );
    let mut sessions: HashMap<&str, u32> = HashMap::new();
    for change in &log {
        *sessions
            .entry(change["session"].as_str().unwrap())
            .or_default() += 1;
    }
    // One process for each agent, and one more after each kill.
    assert!(sessions.len() > AGENTS, "{sessions:?}");
    assert!(
        sessions.len() <= AGENTS + AGENTS / 2 * KILLS as usize,
        "{sessions:?}"
    );
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&memory).unwrap() {
        names.push(entry.unwrap().file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, [".memex", "counts.md"], "nothing is left behind");
}

/// The reader of a dying process does not wait for what is never written.
#[test]
fn an_agent_that_is_killed_leaves_a_memory_that_works() {
    let place = Place::new();
    let memory = place.memory().display().to_string();
    let model = place.script(0, 0);
    let mut process = spawn(&mut command(&[
        "mem", "ask", "count", "--memory", &memory, "--model", &model, "--compat", "--show",
    ]));
    let mut first = BufReader::new(process.stderr.take().unwrap());
    let mut line = String::new();
    while acknowledged(line.trim_end()).is_none() {
        line.clear();
        assert!(first.read_line(&mut line).unwrap() > 0, "no update is told");
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let mut rest = String::new();
    first.read_to_string(&mut rest).unwrap();
    let counted = place.counts()[0];
    assert!(counted >= 1);
    let undo = memex(&["mem", "undo", "--memory", &memory]);
    assert_eq!(undo.status, 0, "{}", undo.stderr);
    assert_eq!(place.counts()[0], counted - 1);
}
