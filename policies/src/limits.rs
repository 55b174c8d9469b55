//! The table of limits: the one place where each is named, bounded and explained.

use crate::error::Error;
use crate::suggestions::{hint, quoted};
use crate::unit::Unit;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

macro_rules! limits {
    ($($name:ident: $type:ty = $default:expr, $minimum:expr, $maximum:expr, $unit:ident, $meaning:literal;)*) => {
        /// The bounds of a session, each with a finite default.
        ///
        /// [`Limits::fields`] holds the same table as data.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $(
                #[doc = concat!(
                    $meaning, " Default `", stringify!($default), "`, from `",
                    stringify!($minimum), "` to `", stringify!($maximum), "`."
                )]
                pub $name: $type,
            )*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        const FIELDS: &[LimitField] = &[$(
            LimitField {
                name: stringify!($name),
                unit: Unit::$unit,
                minimum: $minimum,
                maximum: $maximum,
                meaning: $meaning,
                read: |limits| limits.$name.read(),
                write: |limits, value| limits.$name = <$type>::written(value),
            },
        )*];
    };
}

limits! {
    guest_time_ms: u64 = 10 * SECOND, 1, 24 * HOUR, Milliseconds,
        "The time that a turn may compute; waits for the host do not count.";
    wall_time_ms: u64 = 60 * SECOND, 1, 168 * HOUR, Milliseconds,
        "The time from the start of a turn to its end, waits included.";
    grace_ms: u64 = 250, 0, 60 * SECOND, Milliseconds,
        "The time between the soft interrupt, which code sees as an exception, and the hard one, which rolls the turn back.";
    fuel: Option<u64> = None, 1, 1_000_000_000_000_000, Fuel,
        "The units of work that a turn may do, counted deterministically; without it no fuel is counted.";
    memory_bytes: u64 = GIB, MIB, 4 * GIB, Bytes,
        "The linear memory of the guest, interpreter and libraries included.";
    wasm_stack_bytes: u64 = 16 * MIB, MIB, 64 * MIB, Bytes,
        "The native stack on which the guest's compiled code runs.";
    recursion_depth: u32 = 1_000, 50, 100_000, Count,
        "The depth of Python calls at which RecursionError is raised.";
    stdout_bytes: u64 = MIB, 0, GIB, Bytes,
        "The standard output that a turn keeps; the rest is cut and the full size reported.";
    stderr_bytes: u64 = 256 * KIB, 0, GIB, Bytes,
        "The standard error that a turn keeps; the rest is cut and the full size reported.";
    value_bytes: u64 = 64 * KIB, 0, 64 * MIB, Bytes,
        "The preview of the value of a turn's last expression.";
    display_bytes: u64 = 16 * MIB, 0, GIB, Bytes,
        "The figures and other rich displays of a turn, taken together.";
    displays: u64 = 64, 0, 10_000, Count,
        "The number of figures and other rich displays of a turn.";
    code_bytes: u64 = MIB, 1, 64 * MIB, Bytes,
        "The source code of a turn.";
    host_calls: u64 = 10_000, 0, 100_000_000, Count,
        "The number of calls to the host that a turn may make.";
    host_call_bytes: u64 = 16 * MIB, KIB, GIB, Bytes,
        "The size of one call to the host, and of its answer.";
    native_bytes: u64 = 64 * MIB, 0, GIB, Bytes,
        "What a native is given, and what it returns; what it holds meanwhile counts as memory of the session.";
    open_files: u64 = 64, 1, 4_096, Count,
        "The number of files and directories open at once.";
    file_bytes: u64 = 256 * MIB, 0, 64 * GIB, Bytes,
        "The bytes written to granted directories and held in scratch, taken together.";
    files: u64 = 4_096, 0, 1_000_000, Count,
        "The number of files and directories that a session may create.";
    turns: u64 = 10_000, 1, 1_000_000_000, Count,
        "The number of turns of a session.";
    live_sessions: u64 = 1_000, 1, 1_000_000, Count,
        "The number of sessions of this policy that are live in one process.";
    agents: u64 = 32, 0, 10_000, Count,
        "The number of sub-agents that a session may start.";
    agent_depth: u64 = 3, 0, 16, Count,
        "The depth to which sub-agents may start further ones.";
    tool_time_ms: u64 = 30 * SECOND, 1, 24 * HOUR, Milliseconds,
        "The time that one tool call may take.";
    http_requests: u64 = 1_000, 0, 1_000_000, Count,
        "The number of HTTP requests of a session, each hop of a redirect counted.";
    http_concurrent: u32 = 8, 1, 1_000, Count,
        "The number of HTTP requests of a session that run at a time; further ones wait for their turn.";
    http_redirects: u32 = 10, 0, 100, Count,
        "The number of redirects that an HTTP request follows.";
    http_time_ms: u64 = 60 * SECOND, 1, HOUR, Milliseconds,
        "The time of an HTTP request: waiting for its turn, redirects and the whole answer included.";
    http_request_bytes: u64 = 8 * MIB, 1, GIB, Bytes,
        "The body of an HTTP request.";
    http_response_bytes: u64 = 32 * MIB, 1, GIB, Bytes,
        "The body of an HTTP answer, as sent and after decompression.";
}

impl Limits {
    /// Every limit, in the order of the struct.
    pub fn fields() -> &'static [LimitField] {
        FIELDS
    }

    /// The limit called `name`; `-` and `_` mean the same.
    ///
    /// # Errors
    /// [`Error::UnknownLimit`], with the nearest name.
    pub fn field(name: &str) -> Result<&'static LimitField, Error> {
        let wanted = name.replace('-', "_");
        FIELDS
            .iter()
            .find(|field| field.name == wanted)
            .ok_or_else(|| Error::UnknownLimit {
                name: quoted(name),
                hint: hint(name, &Self::names()),
            })
    }

    /// The value of the limit called `name`; `None` where it is off (`fuel`).
    ///
    /// # Errors
    /// [`Error::UnknownLimit`], with the nearest name.
    pub fn get(&self, name: &str) -> Result<Option<u64>, Error> {
        Ok(Self::field(name)?.read(self))
    }

    /// Sets the limit called `name`.
    ///
    /// # Errors
    /// [`Error::UnknownLimit`]; [`Error::LimitRange`] where `value` is outside
    /// the limit's range. The limits are then unchanged.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), Error> {
        let field = Self::field(name)?;
        field.check(value)?;
        (field.write)(self, value);
        Ok(())
    }

    pub(crate) fn names() -> Vec<&'static str> {
        FIELDS.iter().map(|field| field.name).collect()
    }
}

/// One limit as data: its name, range, unit and meaning.
#[derive(Debug, Clone, Copy)]
pub struct LimitField {
    /// The name, equal to the field's in [`Limits`].
    pub name: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// The least value accepted.
    pub minimum: u64,
    /// The greatest value accepted.
    pub maximum: u64,
    /// One sentence: what it bounds.
    pub meaning: &'static str,
    read: fn(&Limits) -> Option<u64>,
    write: fn(&mut Limits, u64),
}

impl LimitField {
    /// This limit's value in `limits`; `None` where it is off (`fuel`).
    pub fn read(&self, limits: &Limits) -> Option<u64> {
        (self.read)(limits)
    }

    /// The default; `None` where the limit is off unless set (`fuel`).
    pub fn default_value(&self) -> Option<u64> {
        self.read(&Limits::default())
    }

    /// Reads a value of this limit from a text such as `2s` or `64MiB`, and
    /// checks its range.
    ///
    /// # Errors
    /// [`Error::Quantity`] or [`Error::LimitRange`].
    pub fn parse(&self, text: &str) -> Result<u64, Error> {
        let value = self.unit.parse(text)?;
        self.check(value)?;
        Ok(value)
    }

    /// Checks that `value` is in this limit's range.
    ///
    /// # Errors
    /// [`Error::LimitRange`], naming the bound.
    pub fn check(&self, value: u64) -> Result<(), Error> {
        let bound = if value < self.minimum {
            format!("minimum is {}", self.unit.format(self.minimum))
        } else if value > self.maximum {
            format!("maximum is {}", self.unit.format(self.maximum))
        } else {
            return Ok(());
        };
        Err(Error::LimitRange {
            name: self.name,
            value: self.unit.format(value),
            bound,
        })
    }
}

/// The types that a limit can have in [`Limits`].
trait LimitValue {
    fn read(&self) -> Option<u64>;
    fn written(value: u64) -> Self;
}

impl LimitValue for u64 {
    fn read(&self) -> Option<u64> {
        Some(*self)
    }
    fn written(value: u64) -> Self {
        value
    }
}

impl LimitValue for u32 {
    fn read(&self) -> Option<u64> {
        Some(u64::from(*self))
    }
    fn written(value: u64) -> Self {
        // Only checked values are written, and a `u32` limit's maximum fits.
        u32::try_from(value).unwrap_or(u32::MAX)
    }
}

impl LimitValue for Option<u64> {
    fn read(&self) -> Option<u64> {
        *self
    }
    fn written(value: u64) -> Self {
        Some(value)
    }
}
