//! The checks: those of the machine, and then those of what is kept on disk.

use super::check::{Check, State, check, ok};
use super::{storage, system};
use crate::context::Context;
use crate::report::bytes;
use memex_policies::Limits;
use memex_runtime::{DirtyTracking, Survey};

/// Sessions whose address space is reserved together, as a trial.
const TRIAL_SESSIONS: usize = 32;
/// Memory that compiling the guest takes, roughly.
const BUILD_MEMORY_BYTES: u64 = 3 << 30;

/// Every check, in the order of the report.
pub(super) fn all(context: &Context) -> Vec<Check> {
    let survey = Survey::take(TRIAL_SESSIONS);
    let mut checks = vec![
        platform(),
        processors(),
        memory(),
        address_space(&survey),
        overcommit(),
        dirty_pages(&survey),
        page_faults(&survey),
    ];
    checks.extend(huge_pages());
    checks.push(tool_processes(memex_external::confines_signals()));
    let (cache, built) = storage::cache(context);
    checks.extend(cache);
    checks.push(storage::python(built));
    checks
}

fn platform() -> Check {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let kernel = system::kernel().map_or(String::new(), |release| format!(", kernel {release}"));
    let detail = format!("{os} {arch}{kernel}");
    match (os, arch) {
        ("linux", "x86_64" | "aarch64") => ok("platform", detail),
        ("macos", _) => check(
            "platform",
            State::FallsBack,
            format!("{detail}: changed pages are found by comparing"),
            "for full speed, run on Linux",
        ),
        _ => check(
            "platform",
            State::Problem,
            format!("{detail} is not tried"),
            "run on Linux or macOS, x86-64 or arm64",
        ),
    }
}

fn processors() -> Check {
    match std::thread::available_parallelism() {
        Ok(count) => ok("processors", format!("{count}")),
        Err(error) => check(
            "processors",
            State::FallsBack,
            format!("not known: {error}"),
            "one is assumed",
        ),
    }
}

fn memory() -> Check {
    let (Some(total), Some(available)) =
        (system::memory("MemTotal"), system::memory("MemAvailable"))
    else {
        return ok("memory", "the system does not report it");
    };
    let detail = format!("{} in all, {} available", bytes(total), bytes(available));
    if available < Limits::default().memory_bytes {
        let remedy = "end other programs, or lower memory_bytes in the policy";
        return check("memory", State::Problem, detail, remedy);
    }
    if available < BUILD_MEMORY_BYTES {
        let remedy = "building an image needs about 3 GiB for some minutes; running needs far less";
        return check("memory", State::FallsBack, detail, remedy);
    }
    ok("memory", detail)
}

fn address_space(survey: &Survey) -> Check {
    let each = bytes(survey.reservation_bytes as u64);
    if let Some(refusal) = &survey.refusal {
        let limit = system::address_space_limit().map_or(String::new(), |limit| {
            format!(", and the process is limited to {}", bytes(limit))
        });
        let state = if survey.reservations == 0 {
            State::Problem
        } else {
            State::FallsBack
        };
        return check(
            "address space",
            state,
            format!(
                "room for {} sessions of {each}: {refusal}{limit}",
                survey.reservations
            ),
            "lift the limit with `ulimit -v unlimited`, and the container's, if it has one",
        );
    }
    ok(
        "address space",
        format!(
            "{} sessions of {each} reserved in a trial",
            survey.reservations
        ),
    )
}

fn overcommit() -> Check {
    const NAME: &str = "overcommit";
    let mappings = system::vm_setting("max_map_count").map_or(String::new(), |count| {
        format!("; {count} mappings a process")
    });
    match system::vm_setting("overcommit_memory") {
        Some(2) => check(
            NAME,
            State::FallsBack,
            format!(
                "strict (vm.overcommit_memory = 2): the memory of idle sessions counts as used{mappings}"
            ),
            "`sysctl vm.overcommit_memory=0` lets more sessions live",
        ),
        Some(mode) => ok(NAME, format!("vm.overcommit_memory = {mode}{mappings}")),
        None => ok(NAME, "the system does not report it"),
    }
}

fn dirty_pages(survey: &Survey) -> Check {
    const NAME: &str = "changed pages";
    match survey.dirty_tracking {
        tracking @ DirtyTracking::PagemapScan => ok(NAME, format!("found by {}", tracking.name())),
        tracking @ DirtyTracking::Pagemap => check(
            NAME,
            State::FallsBack,
            format!(
                "found by {}: cost follows the size of memory",
                tracking.name()
            ),
            "a kernel of 6.7 or later has the faster PAGEMAP_SCAN",
        ),
        tracking @ DirtyTracking::Compare => check(
            NAME,
            State::FallsBack,
            format!(
                "found by {}: every page is compared with the image",
                tracking.name()
            ),
            "on Linux, /proc/self/pagemap has to be readable: mount /proc in the container",
        ),
    }
}

fn page_faults(survey: &Survey) -> Check {
    match survey.counts_thread_faults {
        true => ok(
            "page faults",
            "counted by thread: turns that touch nothing new need no scan",
        ),
        false => check(
            "page faults",
            State::FallsBack,
            "not counted by thread: changed pages are looked for after every turn",
            "Linux counts them; nothing is to be set",
        ),
    }
}

fn huge_pages() -> Option<Check> {
    const NAME: &str = "huge pages";
    let choice = system::huge_pages()?;
    Some(match choice.as_str() {
        "always" => check(
            NAME,
            State::FallsBack,
            "always: memory that grows may be taken 2 MiB at a time",
            "`echo madvise > /sys/kernel/mm/transparent_hugepage/enabled` keeps sessions small",
        ),
        choice => ok(NAME, choice),
    })
}

fn tool_processes(are_confined: bool) -> Check {
    const NAME: &str = "tool processes";
    match are_confined {
        true => ok(
            NAME,
            "programs of tools cannot signal what they did not start; their supervisors end all of it",
        ),
        false => check(
            NAME,
            State::FallsBack,
            "programs of tools can kill their supervisors; what they started is then found by a variable of its environment",
            "a Linux of 6.12 or later with Landlock (`lsm=landlock,…`) confines their signals",
        ),
    }
}
