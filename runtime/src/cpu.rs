//! Which processor machine code is compiled for.

use crate::error::Error;

/// The processor that machine code is compiled for: this one with all that it
/// has, or a baseline that a whole fleet has.
///
/// Code of a baseline is the same on every machine, and runs on each that has
/// it. It is slower where the engine would have used more. Default:
/// [`Cpu::Native`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Cpu {
    /// This machine's own, with every feature that the engine uses.
    #[default]
    Native,
    /// x86-64 with SSE2.
    X86_64,
    /// With SSE4.2, POPCNT and CMPXCHG16B: 2009 and later.
    X86_64V2,
    /// With AVX2, BMI, FMA and LZCNT: 2013 and later.
    X86_64V3,
    /// With AVX-512.
    X86_64V4,
    /// 64-bit ARM without optional features.
    Aarch64,
}

const V2: &[&str] = &["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cmpxchg16b"];
const V3: &[&str] = &["avx", "avx2", "bmi1", "bmi2", "fma", "lzcnt"];
const V4: &[&str] = &["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"];

impl Cpu {
    /// Every one there is.
    pub const ALL: [Self; 6] = [
        Self::Native,
        Self::X86_64,
        Self::X86_64V2,
        Self::X86_64V3,
        Self::X86_64V4,
        Self::Aarch64,
    ];

    /// The name in options and files, which for a level of x86-64 is also the
    /// engine's own name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::X86_64 => "x86-64",
            Self::X86_64V2 => "x86-64-v2",
            Self::X86_64V3 => "x86-64-v3",
            Self::X86_64V4 => "x86-64-v4",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The processor of this name.
    ///
    /// # Errors
    /// [`Error::UnknownCpu`], which lists the names.
    pub fn from_name(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|cpu| cpu.name() == name);
        found.ok_or_else(|| Error::UnknownCpu {
            name: name.chars().take(80).collect(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }

    /// The architecture, as the compiler of this program names it.
    fn architecture(self) -> &'static str {
        match self {
            Self::Native => std::env::consts::ARCH,
            Self::Aarch64 => "aarch64",
            _ => "x86_64",
        }
    }

    /// What code for it needs beyond its architecture.
    fn features(self) -> impl Iterator<Item = &'static str> {
        let levels: &[&[&'static str]] = match self {
            Self::Native | Self::X86_64 | Self::Aarch64 => &[],
            Self::X86_64V2 => &[V2],
            Self::X86_64V3 => &[V2, V3],
            Self::X86_64V4 => &[V2, V3, V4],
        };
        levels.iter().copied().flatten().copied()
    }

    /// Refuses a processor that this machine is not.
    pub(crate) fn check(self) -> Result<(), Error> {
        self.check_against(std::env::consts::ARCH, has)
    }

    fn check_against(self, architecture: &str, has: impl Fn(&str) -> bool) -> Result<(), Error> {
        let lacking = |what: String| Error::Cpu {
            wanted: self.name(),
            lacking: what,
        };
        if self.architecture() != architecture {
            return Err(lacking(format!("it is a machine of {architecture}")));
        }
        let missing: Vec<_> = self.features().filter(|feature| !has(feature)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(lacking(format!("it has no {}", missing.join(", "))))
    }

    /// The target that code is compiled for; `None` for this machine and all
    /// that it has.
    pub(crate) fn target(self) -> Option<String> {
        let system = match std::env::consts::OS {
            "macos" => "apple-darwin",
            _ => "unknown-linux-gnu",
        };
        (self != Self::Native).then(|| format!("{}-{system}", self.architecture()))
    }

    /// The engine's name of a set of features that has to be switched on.
    pub(crate) fn preset(self) -> Option<&'static str> {
        matches!(self, Self::X86_64V2 | Self::X86_64V3 | Self::X86_64V4).then(|| self.name())
    }
}

/// Whether this machine has a feature.
#[cfg(target_arch = "x86_64")]
fn has(feature: &str) -> bool {
    use std::arch::is_x86_feature_detected as detected;
    match feature {
        "sse3" => detected!("sse3"),
        "ssse3" => detected!("ssse3"),
        "sse4.1" => detected!("sse4.1"),
        "sse4.2" => detected!("sse4.2"),
        "popcnt" => detected!("popcnt"),
        "cmpxchg16b" => detected!("cmpxchg16b"),
        "avx" => detected!("avx"),
        "avx2" => detected!("avx2"),
        "bmi1" => detected!("bmi1"),
        "bmi2" => detected!("bmi2"),
        "fma" => detected!("fma"),
        "lzcnt" => detected!("lzcnt"),
        "avx512f" => detected!("avx512f"),
        "avx512bw" => detected!("avx512bw"),
        "avx512cd" => detected!("avx512cd"),
        "avx512dq" => detected!("avx512dq"),
        "avx512vl" => detected!("avx512vl"),
        _ => false,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn has(_feature: &str) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::{Cpu, V2, V3, V4};
    use crate::engine::{Metering, STACK_BYTES, engine};

    fn told(cpu: Cpu, architecture: &str, levels: &[&[&str]]) -> String {
        let has = |feature: &str| levels.iter().any(|level| level.contains(&feature));
        match cpu.check_against(architecture, has) {
            Ok(()) => "ok".into(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_machine_that_lacks_the_baseline_is_told_what_it_lacks() {
        for (cpu, architecture, levels, expected) in [
            (Cpu::X86_64V3, "x86_64", &[V2, V3][..], "ok"),
            (Cpu::X86_64V4, "x86_64", &[V2, V3, V4], "ok"),
            (Cpu::X86_64, "x86_64", &[], "ok"),
            (
                Cpu::X86_64V3,
                "x86_64",
                &[V2],
                "it has no avx, avx2, bmi1, bmi2, fma, lzcnt",
            ),
            (
                Cpu::X86_64V2,
                "aarch64",
                &[V2],
                "it is a machine of aarch64",
            ),
            (Cpu::Aarch64, "x86_64", &[], "it is a machine of x86_64"),
            (Cpu::Aarch64, "aarch64", &[], "ok"),
        ] {
            let told = told(cpu, architecture, levels);
            assert!(told.contains(expected), "{cpu:?} {architecture}: {told}");
            assert!(told == "ok" || told.contains(cpu.name()), "{told}");
        }
    }

    /// The names of features here are those that the engine switches on.
    #[test]
    fn code_of_each_baseline_that_this_machine_has_runs_and_has_its_own_key() {
        let module = b"\0asm\x01\0\0\0";
        let mut keys = Vec::new();
        for cpu in Cpu::ALL {
            if cpu.check().is_err() {
                assert!(engine(Metering::Deadline, STACK_BYTES, cpu).is_err());
                continue;
            }
            let engine = engine(Metering::Deadline, STACK_BYTES, cpu).unwrap();
            let code = engine.precompile_module(module).unwrap();
            assert!(!code.is_empty());
            wasmtime::Module::new(&engine, module).unwrap();
            keys.push(crate::image::compatibility(&engine));
        }
        let count = keys.len();
        assert!(count >= 2, "native and the architecture's own");
        keys.sort();
        keys.dedup();
        assert!(
            keys.len() >= count - 1,
            "native may be one of the baselines"
        );
    }

    #[test]
    fn names_are_read_back() {
        for cpu in Cpu::ALL {
            assert_eq!(Cpu::from_name(cpu.name()).unwrap(), cpu);
        }
        let told = Cpu::from_name("x86-64-v9").unwrap_err().to_string();
        assert!(
            told.contains("x86-64-v9") && told.contains("x86-64-v3"),
            "{told}"
        );
    }
}
