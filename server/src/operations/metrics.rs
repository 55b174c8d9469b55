//! The figures of `/metrics`. Labels have few values, all of them ours: no name of a
//! sandbox, a key or a tenant.

use std::fmt::Write;
use std::time::Duration;

use super::histogram::{Counter, Histogram};
use super::pss::private_bytes;
use crate::sandbox::EndReason;

/// How a turn may end.
const STATUSES: [&str; 7] = [
    "ok",
    "exception",
    "limit",
    "refused",
    "fault",
    "waiting",
    "failed",
];
/// Limits that are counted by name; others are counted together.
const LIMITS: [&str; 8] = [
    "guest_time_ms",
    "wall_time_ms",
    "memory_bytes",
    "stdout_bytes",
    "stderr_bytes",
    "file_bytes",
    "host_calls",
    "display_bytes",
];
const REASONS: [&str; 4] = ["deleted", "expired", "unused", "fault"];
/// How a run of an agent may end.
const RUNS: [&str; 5] = ["submitted", "answered", "exhausted", "failed", "cancelled"];

/// What the service counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Sandboxes that were made.
    pub created: Counter,
    /// Sandboxes that went to sleep.
    pub slept: Counter,
    /// Keys and tokens that were refused.
    pub refused_keys: Counter,
    /// Requests.
    pub requests: Counter,
    /// Requests that met a fault of the server.
    pub faults: Counter,
    /// Requests that a quota refused.
    pub refused_by_quota: Counter,
    /// The time from the request to the thread.
    pub queue: Histogram,
    /// The time to wake a sandbox.
    pub wake: Histogram,
    /// Spans that the collector has taken.
    pub spans_sent: Counter,
    /// Spans that it has not, or for which there was no room.
    pub spans_dropped: Counter,
    /// Notices that a target has taken.
    pub webhooks_delivered: Counter,
    /// Notices that were given up after all attempts.
    pub webhooks_failed: Counter,
    /// Notices for which a queue had no room.
    pub webhooks_dropped: Counter,
    turn: Histogram,
    turns: [Counter; STATUSES.len()],
    limits: [Counter; LIMITS.len() + 1],
    ended: [Counter; REASONS.len()],
    runs: [Counter; RUNS.len()],
    /// Tokens of agents, into and out of models.
    agent_tokens: Counter,
}

/// Figures that are looked up when they are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown {
    pub(crate) live: usize,
    pub(crate) asleep: usize,
    pub(crate) paused: usize,
    pub(crate) waiting: usize,
    pub(crate) running: usize,
    pub(crate) sleeping_bytes: u64,
    pub(crate) stored_bytes: u64,
}

impl Metrics {
    /// A turn ended so.
    pub(crate) fn turn_ended(&self, status: &str, took: Duration) {
        let at = STATUSES.iter().position(|name| *name == status);
        if let Some(counter) = at.and_then(|at| self.turns.get(at)) {
            counter.add(1);
        }
        self.turn.observe(took);
    }

    /// A limit ended a turn.
    pub(crate) fn limit_hit(&self, name: &str) {
        let at = LIMITS.iter().position(|limit| *limit == name);
        if let Some(counter) = self.limits.get(at.unwrap_or(LIMITS.len())) {
            counter.add(1);
        }
    }

    /// A sandbox ended.
    pub(crate) fn ended(&self, reason: EndReason) {
        let at = match reason {
            EndReason::Deleted => 0,
            EndReason::Expired => 1,
            EndReason::Unused => 2,
            EndReason::Fault => 3,
        };
        if let Some(counter) = self.ended.get(at) {
            counter.add(1);
        }
    }

    /// A run of an agent ended so, and used so many tokens.
    pub(crate) fn agent_ended(&self, status: &str, tokens: u64) {
        let at = RUNS.iter().position(|name| *name == status);
        if let Some(counter) = at.and_then(|at| self.runs.get(at)) {
            counter.add(1);
        }
        self.agent_tokens.add(tokens);
    }

    /// All figures, in the text format of Prometheus.
    pub(crate) fn text(&self, shown: Shown) -> String {
        let mut out = String::new();
        let states = [
            ("live", shown.live),
            ("asleep", shown.asleep),
            ("paused", shown.paused),
        ];
        head(
            &mut out,
            "memex_sandboxes",
            "Sandboxes that have not ended, by state.",
            "gauge",
        );
        for (state, count) in states {
            let _ = writeln!(out, "memex_sandboxes{{state=\"{state}\"}} {count}");
        }
        labelled(
            &mut out,
            "memex_turns_total",
            "Turns, by how they ended.",
            "outcome",
            &STATUSES,
            &self.turns,
        );
        let limits: Vec<&str> = LIMITS.into_iter().chain(["other"]).collect();
        labelled(
            &mut out,
            "memex_limit_hits_total",
            "Turns that met a limit.",
            "limit",
            &limits,
            &self.limits,
        );
        labelled(
            &mut out,
            "memex_sandboxes_ended_total",
            "Sandboxes that ended.",
            "reason",
            &REASONS,
            &self.ended,
        );
        labelled(
            &mut out,
            "memex_agent_runs_total",
            "Runs of agents, by how they ended.",
            "outcome",
            &RUNS,
            &self.runs,
        );
        for (name, help, counter) in [
            (
                "memex_spans_sent_total",
                "Spans that the collector has taken.",
                &self.spans_sent,
            ),
            (
                "memex_spans_dropped_total",
                "Spans that it has not, or for which there was no room.",
                &self.spans_dropped,
            ),
            (
                "memex_webhooks_delivered_total",
                "Notices that a target has taken.",
                &self.webhooks_delivered,
            ),
            (
                "memex_webhooks_failed_total",
                "Notices that were given up after all attempts.",
                &self.webhooks_failed,
            ),
            (
                "memex_webhooks_dropped_total",
                "Notices for which a queue had no room.",
                &self.webhooks_dropped,
            ),
            (
                "memex_agent_tokens_total",
                "Tokens of agents, into and out of models.",
                &self.agent_tokens,
            ),
            (
                "memex_sandboxes_created_total",
                "Sandboxes that were made.",
                &self.created,
            ),
            (
                "memex_sandboxes_slept_total",
                "Sandboxes that went to sleep.",
                &self.slept,
            ),
            (
                "memex_refused_keys_total",
                "Keys and tokens that were refused.",
                &self.refused_keys,
            ),
            ("memex_requests_total", "Requests.", &self.requests),
            (
                "memex_request_faults_total",
                "Requests that met a fault of the server.",
                &self.faults,
            ),
            (
                "memex_refused_by_quota_total",
                "Requests that a quota refused.",
                &self.refused_by_quota,
            ),
        ] {
            head(&mut out, name, help, "counter");
            let _ = writeln!(out, "{name} {}", counter.get());
        }
        for (name, help, value) in [
            (
                "memex_work_waiting",
                "Work that waits for a thread.",
                shown.waiting as u64,
            ),
            (
                "memex_work_running",
                "Work that runs.",
                shown.running as u64,
            ),
            (
                "memex_sleeping_bytes",
                "Memory of sandboxes that sleep in memory.",
                shown.sleeping_bytes,
            ),
            (
                "memex_stored_bytes",
                "Bytes of sandboxes in the store.",
                shown.stored_bytes,
            ),
            // RSS counts the image once for each session that maps it.
            (
                "memex_private_memory_bytes",
                "Memory of the process, shared pages divided by who shares them.",
                private_bytes().unwrap_or_default(),
            ),
        ] {
            head(&mut out, name, help, "gauge");
            let _ = writeln!(out, "{name} {value}");
        }
        self.turn.write(
            &mut out,
            "memex_turn_seconds",
            "Turns, from the request to the end.",
        );
        self.queue
            .write(&mut out, "memex_queue_seconds", "The wait for a thread.");
        self.wake.write(
            &mut out,
            "memex_wake_seconds",
            "Waking a sandbox from the store.",
        );
        out
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn labelled(
    out: &mut String,
    name: &str,
    help: &str,
    label: &str,
    values: &[&str],
    counters: &[Counter],
) {
    head(out, name, help, "counter");
    for (value, counter) in values.iter().zip(counters) {
        let _ = writeln!(out, "{name}{{{label}=\"{value}\"}} {}", counter.get());
    }
}
