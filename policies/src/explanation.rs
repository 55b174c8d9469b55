//! Explaining a policy in plain sentences.

use crate::clock::{Clock, Randomness};
use crate::directories::{Access, DirectoryGrant};
use crate::limits::Limits;
use crate::natives::NATIVE_FAMILIES;
use crate::network::HostGrant;
use crate::policy::Policy;
use crate::suggestions::quoted;

impl Policy {
    /// What the policy permits, bounds and forbids, for people: groups (code,
    /// time, memory, files, network, tools, clock) of one sentence a line.
    pub fn explain(&self) -> String {
        let mut text = format!(
            "Policy {}, which extends {}: {}\n",
            quoted(&self.name),
            quoted(self.preset.name()),
            self.preset.meaning()
        );
        for (title, sentences) in [
            ("Code", self.code()),
            ("Time", self.time()),
            ("Memory", self.memory()),
            ("Files", self.files()),
            ("Network", self.hosts()),
            ("Tools", self.tools()),
            ("Clock", self.clock()),
        ] {
            text.push_str(&format!("\n{title}\n"));
            for sentence in sentences {
                text.push_str(&format!("  {sentence}\n"));
            }
        }
        text
    }

    fn code(&self) -> Vec<String> {
        let variables = match self.environment.is_empty() {
            true => "No environment variable is added.".to_owned(),
            false => {
                let names: Vec<String> = self.environment.keys().map(|name| quoted(name)).collect();
                format!("Environment variables: {}.", names.join(", "))
            }
        };
        vec![
            format!(
                "A turn may have {} of source code, and a session {} turns.",
                self.amount("code_bytes"),
                self.amount("turns")
            ),
            format!(
                "A turn keeps {} of standard output and {} of standard error; the rest is cut.",
                self.amount("stdout_bytes"),
                self.amount("stderr_bytes")
            ),
            format!(
                "The preview of its last value has at most {}.",
                self.amount("value_bytes")
            ),
            format!(
                "It may display figures and the like: at most {}, {} together.",
                self.amount("displays"),
                self.amount("display_bytes")
            ),
            format!(
                "Calls may be nested {} deep.",
                self.amount("recursion_depth")
            ),
            variables,
            "Code cannot start processes or threads, or load native code.".to_owned(),
            self.natives(),
        ]
    }

    fn natives(&self) -> String {
        let families = NATIVE_FAMILIES.iter().copied();
        let permitted: Vec<&str> = families
            .filter(|family| self.natives.permits(family))
            .collect();
        let natives = match permitted.is_empty() {
            true => "Natives: none".to_owned(),
            false => format!("Natives: `{}`", permitted.join("`, `")),
        };
        let bytes = self.amount("native_bytes");
        format!("{natives}; one may be given {bytes}, and return as much.")
    }

    fn time(&self) -> Vec<String> {
        let fuel = match self.limits.fuel {
            Some(_) => format!(
                "A turn may use {}, counted the same way each time.",
                self.amount("fuel")
            ),
            None => "No fuel is counted.".to_owned(),
        };
        vec![
            format!(
                "A turn may compute for {}, waits for the host left out, and last {} in all, whichever ends first.",
                self.amount("guest_time_ms"),
                self.amount("wall_time_ms")
            ),
            format!(
                "Then it is interrupted; {} later it is stopped and rolled back to its start.",
                self.amount("grace_ms")
            ),
            fuel,
        ]
    }

    fn memory(&self) -> Vec<String> {
        vec![
            format!(
                "The guest has {} of memory and {} of native stack.",
                self.amount("memory_bytes"),
                self.amount("wasm_stack_bytes")
            ),
            format!(
                "A process holds at most {} live sessions of this policy.",
                self.amount("live_sessions")
            ),
        ]
    }

    fn files(&self) -> Vec<String> {
        let mut sentences: Vec<String> = self.directories.iter().map(directory).collect();
        if self.directories.is_empty() {
            sentences.push("No directory of the host can be read or written.".to_owned());
        } else {
            sentences.push("Nothing else of the host can be read or written.".to_owned());
        }
        if self.scratch.enabled {
            sentences.push(
                "/tmp and /home/user are private to the session and held in memory.".to_owned(),
            );
        } else {
            sentences.push("There is no scratch: /tmp and /home/user do not exist.".to_owned());
        }
        sentences.push(format!(
            "A session may write {} and create {} files and directories; {} may be open at once.",
            self.amount("file_bytes"),
            self.amount("files"),
            self.amount("open_files")
        ));
        sentences
    }

    fn hosts(&self) -> Vec<String> {
        let mut sentences: Vec<String> = self.network.iter().map(host).collect();
        if self.network.is_empty() {
            sentences.push("No host can be reached.".to_owned());
        } else {
            sentences.push("No other host can be reached.".to_owned());
        }
        sentences.push("Code cannot open sockets; requests are made by tools.".to_owned());
        sentences.push(format!(
            "A session may make {} requests, {} at a time, each following {} redirects at most.",
            self.amount("http_requests"),
            self.amount("http_concurrent"),
            self.amount("http_redirects")
        ));
        sentences.push(format!(
            "One may take {}, send {} and receive {}.",
            self.amount("http_time_ms"),
            self.amount("http_request_bytes"),
            self.amount("http_response_bytes")
        ));
        sentences
    }

    fn tools(&self) -> Vec<String> {
        let permitted = match self.tools.allow.is_empty() {
            true => "No tool can be called.".to_owned(),
            false => format!("Tools that can be called: {}.", self.tools.describe()),
        };
        let asks = match self.ask_user {
            true => "Code can ask the user questions.",
            false => "Code cannot ask the user.",
        };
        let shared = match &self.shared_scratch {
            None => "Nothing is shared with other sessions.".to_owned(),
            Some(grant) => {
                let access = match grant.access {
                    Access::ReadOnly => "read, not set,",
                    Access::ReadWrite => "read and set",
                };
                let name = quoted(&grant.name);
                format!("Code can {access} the values of the shared scratch {name}.")
            }
        };
        vec![
            permitted,
            asks.to_owned(),
            shared,
            format!("A tool call may take {}.", self.amount("tool_time_ms")),
            format!(
                "A turn may make {} calls to the host, each of {} at most.",
                self.amount("host_calls"),
                self.amount("host_call_bytes")
            ),
            format!(
                "A session may start {} sub-agents, to a depth of {}.",
                self.amount("agents"),
                self.amount("agent_depth")
            ),
        ]
    }

    fn clock(&self) -> Vec<String> {
        let clock = match self.clock {
            Clock::System => "Code reads the system clock.".to_owned(),
            Clock::Fixed { unix_ns, step_ns } => format!(
                "Code reads a fixed clock: {unix_ns} ns after 1970-01-01 UTC, {step_ns} ns more at each reading; it cannot learn the true time."
            ),
        };
        let randomness = match self.randomness {
            Randomness::System => "Random bytes come from the system.".to_owned(),
            Randomness::Seeded { seed } => format!(
                "Random bytes follow from the seed {seed}: the same in each run, and no secret."
            ),
        };
        vec![clock, randomness]
    }

    /// The limit called `name`, with its unit.
    fn amount(&self, name: &str) -> String {
        let Ok(field) = Limits::field(name) else {
            return String::new();
        };
        match field.read(&self.limits) {
            Some(value) => field.unit.format(value),
            None => "no limit".to_owned(),
        }
    }
}

fn directory(grant: &DirectoryGrant) -> String {
    let permitted = match grant.access {
        Access::ReadOnly => "can be read, not written",
        Access::ReadWrite => "can be read and written",
    };
    format!(
        "The host's {} {permitted}, at {}.",
        quoted(&grant.host.to_string_lossy()),
        quoted(&grant.guest)
    )
}

fn host(grant: &HostGrant) -> String {
    format!("Tools can reach {}.", grant.describe())
}
