//! Structured retrieval: a trading company's database.
//!
//! Some thirty-five tables, of which a question takes three to seven. The
//! others are copies, imports and archives under similar names; columns say
//! nearly the same as others do. The answers come from the data before it went
//! into the database.

mod data;
mod database;
mod distractors;
mod questions;

use std::path::Path;

pub use database::DATABASE;

use crate::{Error, Task, write_tasks};

/// What a database is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarehouseOptions {
    /// Customers, from 20 to 20,000; 200 by default. There are six orders for
    /// each on average, and three lines in each order.
    pub customers: usize,
    /// Tasks at most, up to 10,000; 40 by default.
    pub tasks: usize,
}

impl Default for WarehouseOptions {
    fn default() -> Self {
        Self {
            customers: 200,
            tasks: 40,
        }
    }
}

/// Writes the database, and the tasks as `tasks.jsonl`, into a folder that is
/// there, and gives the tasks. Numbers out of bounds are brought within them.
/// A database that is there is replaced.
///
/// # Errors
///
/// [`Error::Io`] or [`Error::Database`].
pub fn generate(seed: u64, options: &WarehouseOptions, folder: &Path) -> Result<Vec<Task>, Error> {
    let mut random = crate::random::Random::new(seed);
    let data = data::Data::new(&mut random, options.customers.clamp(20, 20_000));
    let tasks = questions::tasks(&data, &mut random, options.tasks.min(10_000));
    let path = folder.join(DATABASE);
    database::write(&path, &data, &mut random)?;
    write_tasks(&folder.join("tasks.jsonl"), &tasks)?;
    Ok(tasks)
}
