//! The cells of a sheet, whatever workbook it is in.

use super::kind::{self, Kind};
use super::rows::{Rows, Unloaded};
use super::value::ValueRef;

/// Integers that a float has exactly.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The value of a cell that has one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Text(String),
    Bool(bool),
    /// `2024-01-02`.
    Day(String),
    /// `2024-01-02 03:04:05`.
    Moment(String),
    /// `#N/A`, `#DIV/0!` and their like.
    Error,
}

impl Cell {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Number(value) if value.fract() == 0.0 && value.abs() < EXACT_MAX => Kind::Integer,
            Self::Number(_) => Kind::Real,
            Self::Text(text) if text.trim().is_empty() || kind::is_absent(text.trim()) => {
                Kind::Unknown
            }
            Self::Text(_) => Kind::Text,
            Self::Bool(_) => Kind::Bool,
            Self::Day(_) => Kind::Date,
            Self::Moment(_) => Kind::Timestamp,
            Self::Error => Kind::Unknown,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(value) if self.kind() == Kind::Integer => format!("{value:.0}"),
            Self::Number(value) => value.to_string(),
            Self::Text(text) | Self::Day(text) | Self::Moment(text) => text.clone(),
            Self::Bool(value) => value.to_string(),
            Self::Error => String::new(),
        }
    }

    pub(super) fn set(
        &self,
        rows: &mut dyn Rows,
        index: usize,
        kind: Kind,
    ) -> Result<(), Unloaded> {
        match (kind, self) {
            (_, Self::Error) => rows.set(index, ValueRef::Null),
            (Kind::Integer, Self::Number(value)) => {
                rows.set(index, ValueRef::Integer(*value as i64))
            }
            (Kind::Real, Self::Number(value)) => rows.set(index, ValueRef::Real(*value)),
            (Kind::Bool, Self::Bool(value)) => {
                rows.set(index, ValueRef::Integer(i64::from(*value)))
            }
            (Kind::Date | Kind::Timestamp, Self::Day(text) | Self::Moment(text)) => {
                rows.set(index, ValueRef::Text(text.as_bytes()))
            }
            (Kind::Text | Kind::Unknown, cell) => {
                rows.set(index, ValueRef::Text(cell.text().as_bytes()))
            }
            _ => rows.set(index, ValueRef::Null),
        }
    }
}

/// The cells of a row that have a value, with their columns in ascending order.
pub(super) type Row = [(usize, Cell)];

/// Takes one row after the other.
pub(super) type TakeRow<'t> = dyn FnMut(&Row) -> Result<(), Unloaded> + 't;
