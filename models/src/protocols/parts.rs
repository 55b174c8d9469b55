//! A message in the making, piece by piece.

use std::collections::{BTreeMap, BTreeSet};

use crate::bounded::size_of;
use crate::{Delta, DeltaSink, Message, ModelError, Opaque, Part, Role, ToolCall};

/// How large a reply may be, all its parts together.
const REPLY_BYTES_MAX: usize = 64 << 20;
/// How many parts a reply may have.
const PARTS_MAX: usize = 4_096;

/// The parts of a reply by their place in it.
///
/// Protocols number what they send; pieces go to the part of that number, and
/// the parts come out in the order of the numbers.
#[derive(Debug, Default)]
pub(super) struct Parts {
    parts: BTreeMap<u64, Part>,
    calls: Vec<u64>,
    /// How far the arguments of each call have come.
    brackets: BTreeMap<u64, Brackets>,
    bytes: usize,
}

/// Whether an object is whole, read piece by piece: nothing is read twice, however often
/// somebody asks.
#[derive(Debug, Default)]
struct Brackets {
    depth: u64,
    has_begun: bool,
    in_text: bool,
    is_escaped: bool,
}

impl Brackets {
    fn read(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match (self.in_text, byte) {
                (true, _) if std::mem::take(&mut self.is_escaped) => {}
                (true, b'\\') => self.is_escaped = true,
                (_, b'"') => self.in_text = !self.in_text,
                (false, b'{' | b'[') => {
                    self.depth = self.depth.saturating_add(1);
                    self.has_begun = true;
                }
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn are_closed(&self) -> bool {
        self.has_begun && self.depth == 0
    }
}

impl Parts {
    /// More text for a part.
    pub(super) fn text(
        &mut self,
        place: u64,
        piece: &str,
        sink: &mut dyn DeltaSink,
    ) -> Result<(), ModelError> {
        if piece.is_empty() {
            return Ok(());
        }
        self.charge(piece.len())?;
        if let Part::Text { text } = self.at(place, || Part::text(""))? {
            text.push_str(piece);
        }
        sink.delta(Delta::Text(piece.to_owned()));
        Ok(())
    }

    /// More reasoning for a part.
    pub(super) fn reasoning(
        &mut self,
        place: u64,
        piece: &str,
        sink: &mut dyn DeltaSink,
    ) -> Result<(), ModelError> {
        if piece.is_empty() {
            return Ok(());
        }
        self.charge(piece.len())?;
        if let Part::Reasoning { text, .. } = self.at(place, empty_reasoning)? {
            text.push_str(piece);
        }
        sink.delta(Delta::Reasoning(piece.to_owned()));
        Ok(())
    }

    /// Begins a tool call, or completes its names: they may come in any piece.
    pub(super) fn call(
        &mut self,
        place: u64,
        id: &str,
        name: &str,
        sink: &mut dyn DeltaSink,
    ) -> Result<(), ModelError> {
        self.charge(id.len() + name.len())?;
        let fresh = !self.parts.contains_key(&place);
        let empty = || {
            Part::ToolCall(ToolCall {
                id: id.to_owned(),
                name: name.to_owned(),
                arguments: String::new(),
                opaque: None,
            })
        };
        let part = self.at(place, empty)?;
        if !fresh {
            if let Part::ToolCall(call) = part {
                for (held, given) in [(&mut call.id, id), (&mut call.name, name)] {
                    if held.is_empty() {
                        given.clone_into(held);
                    }
                }
            }
            return Ok(());
        }
        self.calls.push(place);
        sink.delta(Delta::ToolCall {
            index: self.calls.len() - 1,
            id: id.to_owned(),
            name: name.to_owned(),
        });
        Ok(())
    }

    /// Whether a call of `name` is another one than the call of this number.
    pub(super) fn is_other_call(&self, place: u64, name: &str) -> bool {
        match self.parts.get(&place) {
            Some(Part::ToolCall(held)) if !name.is_empty() && !held.name.is_empty() => {
                let brackets = self.brackets.get(&place);
                name != held.name || brackets.is_some_and(Brackets::are_closed)
            }
            _ => false,
        }
    }

    /// More of a call's arguments.
    pub(super) fn arguments(
        &mut self,
        place: u64,
        piece: &str,
        sink: &mut dyn DeltaSink,
    ) -> Result<(), ModelError> {
        self.charge(piece.len())?;
        let index = self.calls.iter().position(|call| *call == place);
        if let (Some(index), Some(Part::ToolCall(call)), false) =
            (index, self.parts.get_mut(&place), piece.is_empty())
        {
            call.arguments.push_str(piece);
            self.brackets.entry(place).or_default().read(piece);
            sink.delta(Delta::ToolArguments {
                index,
                text: piece.to_owned(),
            });
        }
        Ok(())
    }

    /// A reasoning that shows nothing.
    pub(super) fn empty_reasoning(&mut self, place: u64) -> Result<(), ModelError> {
        self.at(place, empty_reasoning).map(|_| ())
    }

    /// Puts what only the provider understands beside a reasoning or a call,
    /// or in a part of its own.
    pub(super) fn opaque(&mut self, place: u64, value: Opaque) -> Result<(), ModelError> {
        self.charge(size_of(&value.value))?;
        match self.at(place, || Part::Opaque(value.clone()))? {
            Part::Reasoning { opaque, .. } => *opaque = Some(value),
            Part::ToolCall(call) => call.opaque = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// Whether there is a part of this number.
    pub(super) fn has(&self, place: u64) -> bool {
        self.parts.contains_key(&place)
    }

    /// Whether a tool is called.
    pub(super) fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// The message. Empty parts are left out. Calls without an id get one, and so do those
    /// that have another's: their results are told apart by it.
    pub(super) fn into_message(mut self) -> Message {
        let mut ids = BTreeSet::new();
        for (number, place) in self.calls.iter().enumerate() {
            if let Some(Part::ToolCall(call)) = self.parts.get_mut(place) {
                let mut free = number.saturating_add(1);
                while call.id.is_empty() || ids.contains(&call.id) {
                    call.id = format!("call_{free}");
                    free = free.saturating_add(1);
                }
                ids.insert(call.id.clone());
            }
        }
        let said = |part: &Part| match part {
            Part::Text { text } => !text.is_empty(),
            Part::Reasoning { text, opaque } => !text.is_empty() || opaque.is_some(),
            _ => true,
        };
        Message {
            role: Role::Assistant,
            parts: self.parts.into_values().filter(said).collect(),
        }
    }

    fn at(&mut self, place: u64, empty: impl FnOnce() -> Part) -> Result<&mut Part, ModelError> {
        if self.parts.len() >= PARTS_MAX && !self.parts.contains_key(&place) {
            return Err(ModelError::TooLarge {
                what: "the list of parts of the answer",
                limit: PARTS_MAX as u64,
            });
        }
        Ok(self.parts.entry(place).or_insert_with(empty))
    }

    fn charge(&mut self, bytes: usize) -> Result<(), ModelError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > REPLY_BYTES_MAX {
            return Err(ModelError::TooLarge {
                what: "the answer",
                limit: REPLY_BYTES_MAX as u64,
            });
        }
        Ok(())
    }
}

fn empty_reasoning() -> Part {
    Part::Reasoning {
        text: String::new(),
        opaque: None,
    }
}
