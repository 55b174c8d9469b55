//! Tables: what the guest sees as pandas DataFrames.
//!
//! A [`Table`] is made of [`Column`]s. A column holds its values as the bytes
//! that cross the channel, so that a column of numbers is copied once on its way
//! into the guest. Builders append value by value:
//!
//! ```
//! use memex_host_tools::{Answer, NumberBuilder, Table, TextBuilder};
//!
//! let mut ids = NumberBuilder::<i64>::new();
//! let mut names = TextBuilder::new();
//! for (id, name) in [(1, Some("Ada")), (2, None)] {
//!     ids.push(id);
//!     match name {
//!         Some(name) => names.push(name),
//!         None => names.push_null(),
//!     }
//! }
//! let table = Table::new(vec![ids.finish("id"), names.finish("name")?])?;
//! let answer = Answer::from(table);
//! assert_eq!(answer.json["$table"]["rows"], 2);
//! # Ok::<(), memex_host_tools::Error>(())
//! ```

mod binary;
mod columns;
mod decoding;
mod encoding;
mod number_type;
mod numbers;
mod reading;
mod text;
mod validity;

pub use binary::BinaryBuilder;
pub use columns::{Column, ColumnType, TABLE_KEY, TABLE_ROWS_MAX, Table};
pub use number_type::NumberType;
pub use numbers::{Number, NumberBuilder};
pub use reading::{BinaryValues, Numbers, Texts};
pub use text::TextBuilder;
