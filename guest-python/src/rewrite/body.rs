//! One function at a time: checks at loops and tail calls, calls in the place
//! of bulk operations, shadow stack around the body.
//!
//! What does not change is copied from the source as it stands; instructions
//! are read to find places, never encoded anew.

use std::collections::HashMap;

use wasm_encoder::{Encode, InstructionSink};
use wasmparser::{BinaryReader, FunctionBody, Operator};

use super::bulk::BULK_CHUNK_BYTES;
use super::check::encode_check;
use super::layout::cut_short;
use super::options::Report;
use super::wrap::Wrap;
use crate::error::Error;

/// The changes to the functions of a module.
#[derive(Default)]
pub(super) struct BodyPlan {
    /// The address of the interrupt flag.
    pub(super) flag: Option<u32>,
    /// The functions that replace `memory.copy` and `memory.fill`.
    pub(super) bulk: Option<BulkFunctions>,
    /// By the position of the body in the code section, as all that follow.
    pub(super) wraps: HashMap<usize, Wrap>,
    /// What runs before a body.
    pub(super) prologues: HashMap<usize, Vec<u8>>,
    /// The bodies that take the place of the module's own.
    pub(super) patched: HashMap<usize, Vec<u8>>,
    /// Functions that are called in the place of others.
    pub(super) redirected: HashMap<usize, HashMap<u32, u32>>,
}

/// The indices of the appended functions.
#[derive(Clone, Copy)]
pub(super) struct BulkFunctions {
    pub(super) copy: u32,
    pub(super) fill: u32,
}

/// A run of functions, encoded as in the code section.
pub(super) struct Bodies {
    pub(super) code: Vec<u8>,
    pub(super) report: Report,
}

impl BodyPlan {
    /// Rewrites a run of functions of which `first` come before.
    pub(super) fn apply(&self, first: usize, bodies: &[FunctionBody<'_>]) -> Result<Bodies, Error> {
        let bytes: usize = bodies.iter().map(|body| body.range().len()).sum();
        let mut code = Vec::with_capacity(bytes + bytes / 4);
        let mut report = Report::default();
        let mut check = Vec::new();
        if let Some(flag) = self.flag {
            encode_check(&mut InstructionSink::new(&mut check), flag);
        }
        let mut rewritten = Vec::new();
        for (position, body) in (first..).zip(bodies) {
            rewritten.clear();
            let start = body.range().start;
            let patched = self
                .patched
                .get(&position)
                .map(|bytes| FunctionBody::new(BinaryReader::new(bytes, start)));
            let body = patched.as_ref().unwrap_or(body);
            let mut writer = Writer {
                plan: self,
                check: &check,
                wrap: self.wraps.get(&position),
                prologue: self.prologues.get(&position),
                redirected: self.redirected.get(&position),
                splice: Splice {
                    source: body.as_bytes(),
                    start,
                    copied: start,
                    output: &mut rewritten,
                },
                report: &mut report,
                depth: 0,
            };
            writer.write(body)?;
            rewritten.len().encode(&mut code);
            code.extend_from_slice(&rewritten);
        }
        Ok(Bodies { code, report })
    }
}

/// One function being rewritten.
struct Writer<'a> {
    plan: &'a BodyPlan,
    check: &'a [u8],
    wrap: Option<&'a Wrap>,
    prologue: Option<&'a Vec<u8>>,
    redirected: Option<&'a HashMap<u32, u32>>,
    splice: Splice<'a>,
    report: &'a mut Report,
    /// How many blocks are open, the function's own not counted.
    depth: u32,
}

impl Writer<'_> {
    fn write(&mut self, body: &FunctionBody<'_>) -> Result<(), Error> {
        let mut reader = body.get_operators_reader()?;
        self.report.functions += 1;
        if let Some(prologue) = self.prologue {
            self.splice.insert(reader.original_position(), prologue)?;
        }
        if let Some(wrap) = self.wrap {
            self.report.wrapped += 1;
            self.splice
                .insert(reader.original_position(), &wrap.prologue)?;
        }
        let mut constant = None;
        while !reader.eof() {
            let (operator, start) = reader.read_with_offset()?;
            let end = reader.original_position();
            self.interrupt(&operator, start, end)?;
            self.replace_bulk(&operator, constant, start, end)?;
            if let Some(redirected) = self.redirected {
                self.redirect(&operator, redirected, start, end)?;
            }
            if let Some(wrap) = self.wrap {
                self.leave_by_branch(&operator, start, end, &wrap.name)?;
            }
            constant = match operator {
                Operator::I32Const { value } => Some(value.cast_unsigned()),
                _ => None,
            };
        }
        reader.finish()?;
        self.splice.copy_to(body.range().end)?;
        if let Some(wrap) = self.wrap {
            self.splice.output.extend_from_slice(&wrap.epilogue);
        }
        Ok(())
    }

    /// Puts a check behind every loop header, and before every tail call:
    /// functions that call each other so form a loop without a header.
    fn interrupt(
        &mut self,
        operator: &Operator<'_>,
        start: usize,
        end: usize,
    ) -> Result<(), Error> {
        match operator {
            Operator::Loop { .. } => {
                self.report.loops += 1;
                self.splice.insert(end, self.check)
            }
            Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. } => {
                self.report.tail_calls += 1;
                self.splice.insert(start, self.check)
            }
            _ => Ok(()),
        }
    }

    /// Replaces a bulk operation unless the constant before it, its length, is
    /// short.
    fn replace_bulk(
        &mut self,
        operator: &Operator<'_>,
        constant: Option<u32>,
        start: usize,
        end: usize,
    ) -> Result<(), Error> {
        let choose: fn(BulkFunctions) -> u32 = match operator {
            Operator::MemoryCopy { .. } => |bulk| bulk.copy,
            Operator::MemoryFill { .. } => |bulk| bulk.fill,
            _ => return Ok(()),
        };
        let short = constant.is_some_and(|length| length <= BULK_CHUNK_BYTES);
        let Some(bulk) = self.plan.bulk.filter(|_| !short) else {
            self.report.bulk_kept += 1;
            return Ok(());
        };
        self.report.bulk_replaced += 1;
        let mut call = Vec::new();
        InstructionSink::new(&mut call).call(choose(bulk));
        self.splice.replace(start, end, &call)
    }

    /// Calls another function in the place of one.
    fn redirect(
        &mut self,
        operator: &Operator<'_>,
        redirected: &HashMap<u32, u32>,
        start: usize,
        end: usize,
    ) -> Result<(), Error> {
        let Operator::Call { function_index } = operator else {
            return Ok(());
        };
        let Some(to) = redirected.get(function_index) else {
            return Ok(());
        };
        let mut call = Vec::new();
        InstructionSink::new(&mut call).call(*to);
        self.splice.replace(start, end, &call)
    }

    /// In a wrapped function: turns `return` into a branch to the outer block.
    fn leave_by_branch(
        &mut self,
        operator: &Operator<'_>,
        start: usize,
        end: usize,
        name: &str,
    ) -> Result<(), Error> {
        let refusal = |reason| Error::Wrap {
            name: name.to_owned(),
            reason,
        };
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. } => self.depth += 1,
            Operator::End => self.depth = self.depth.saturating_sub(1),
            Operator::Return => {
                let mut branch = Vec::new();
                InstructionSink::new(&mut branch).br(self.depth);
                self.splice.replace(start, end, &branch)?;
            }
            Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. }
            | Operator::ReturnCallRef { .. } => {
                return Err(refusal(
                    "it leaves by a tail call, after which nothing can run",
                ));
            }
            Operator::Try { .. } | Operator::Delegate { .. } => {
                return Err(refusal("it uses the old form of exceptions"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// The output of one function, made from pieces of its source. Positions are
/// those of the parser: in the whole file.
struct Splice<'a> {
    source: &'a [u8],
    start: usize,
    copied: usize,
    output: &'a mut Vec<u8>,
}

impl Splice<'_> {
    fn copy_to(&mut self, position: usize) -> Result<(), Error> {
        let piece = self
            .copied
            .checked_sub(self.start)
            .zip(position.checked_sub(self.start))
            .and_then(|(from, to)| self.source.get(from..to))
            .ok_or_else(|| cut_short(position))?;
        self.output.extend_from_slice(piece);
        self.copied = position;
        Ok(())
    }

    fn insert(&mut self, position: usize, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.copy_to(position)?;
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn replace(&mut self, start: usize, end: usize, bytes: &[u8]) -> Result<(), Error> {
        self.copy_to(start)?;
        self.output.extend_from_slice(bytes);
        self.copied = end;
        Ok(())
    }
}
