//! Natives: what the guest lacks, as pure functions of the host.
//!
//! A native runs on the guest's clock, since it computes in the guest's place: its
//! time counts as guest time, and its work as fuel. It looks at the interrupt of the
//! turn as it goes. What it holds counts as memory of the session.

use crate::host::Host;
use memex_channel::{Frame, Reply};
use memex_natives::{Bounds, Refusal, Room};
use wasmtime::{AsContextMut, Trap};

/// The reply to a call of a native, and the work to pay for.
pub(super) struct Computed {
    reply: Reply,
    work: u64,
    is_out_of_fuel: bool,
}

impl Host {
    /// Computes what a native answers to a call that was counted and decoded, for a
    /// guest of this many bytes with this much fuel left.
    pub(super) fn compute(
        &mut self,
        frame: &Frame<'_>,
        guest_bytes: u64,
        fuel: Option<u64>,
    ) -> Computed {
        let bounds = Bounds {
            bytes_max: self.limits.native_bytes,
            working_bytes_max: self.growth.limit.saturating_sub(guest_bytes),
            work_max: fuel,
        };
        let pulse = &self.interrupter.pulse;
        let interrupt = || pulse.is_told_to_end();
        let room = Room::new(bounds, &interrupt);
        let permits = |family: &str| self.natives.permits(family);
        let answer = memex_natives::answer(frame.head, &frame.parts, permits, &room);
        let work = room.work();
        let is_out_of_fuel = answer == Err(Refusal::Fuel);
        let reply = match answer {
            Ok(answer) => Reply {
                ok: true,
                head: answer.head.to_string().into_bytes(),
                parts: answer.parts,
            },
            Err(refusal) => self.refuse(&refusal, guest_bytes),
        };
        Computed {
            reply,
            work,
            is_out_of_fuel,
        }
    }

    /// The exception that a refusal is to the guest; a limit that it is about was hit.
    fn refuse(&mut self, refusal: &Refusal, guest_bytes: u64) -> Reply {
        let message = refusal.to_string();
        if let Some((name, limit, actual)) = refusal.limit() {
            self.turn.hit(name, limit, actual, &message);
        }
        if let Refusal::WorkingBytes { bytes, .. } = refusal {
            let actual = guest_bytes.saturating_add(*bytes);
            self.turn
                .hit("memory_bytes", self.growth.limit, actual, &message);
        }
        Reply::error(refusal.class(), &message)
    }
}

impl Computed {
    /// Pays for the work, and gives the reply; `fuel` is what was left before.
    ///
    /// # Errors
    /// The trap of a guest that has none left.
    pub(super) fn paid(
        self,
        mut store: impl AsContextMut<Data = Host>,
        fuel: Option<u64>,
    ) -> wasmtime::Result<Reply> {
        if let Some(fuel) = fuel {
            let left = fuel.saturating_sub(self.work);
            store.as_context_mut().set_fuel(left)?;
        }
        if self.is_out_of_fuel {
            return Err(Trap::OutOfFuel.into());
        }
        Ok(self.reply)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn policies_name_the_families_that_there_are() {
        assert_eq!(memex_policies::NATIVE_FAMILIES, memex_natives::FAMILIES);
    }
}
