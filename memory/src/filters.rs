//! Filters: what the memory's owner does not want disclosed.

use crate::path::FILTERS;
use crate::place::Last;
use crate::{Author, Error, Memory};

/// How long a filter may be, and how many there may be.
const FILTER_BYTES_MAX: usize = 4096;
const FILTERS_MAX: usize = 256;

/// The filters of a memory: lines `- text` in its `.filters` file, which tools
/// may read and never write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    filters: Vec<String>,
}

impl Filters {
    /// The filters, in the order in which they were added.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.filters
    }

    /// The question with the filters appended, as the model is asked it; as it
    /// is if there are none.
    #[must_use]
    pub fn render(&self, question: &str) -> String {
        match self.filters.is_empty() {
            true => question.to_owned(),
            false => format!("{question}\n\n<filter>{}</filter>", self.lines().trim_end()),
        }
    }

    fn lines(&self) -> String {
        let lines = self.filters.iter().map(|filter| format!("- {filter}\n"));
        lines.collect()
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter_map(|line| line.strip_prefix("- ").map(str::trim));
        let filters = lines.filter(|line| !line.is_empty());
        Self {
            filters: filters.map(str::to_owned).take(FILTERS_MAX).collect(),
        }
    }
}

impl Memory {
    /// The filters of the memory.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn filters(&self) -> Result<Filters, Error> {
        match self.text(FILTERS) {
            Ok(text) => Ok(Filters::parse(&text)),
            Err(error) if error.is_not_found() => {
                self.check_root()?;
                Ok(Filters::default())
            }
            Err(error) => Err(error),
        }
    }

    /// Adds a filter; its lines become one.
    ///
    /// # Errors
    /// If it is empty, too long or contains the tag that ends filters, if there
    /// are 256 already, if the file cannot be written.
    pub fn add_filter(&self, author: Author<'_>, text: &str) -> Result<(), Error> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let filter = words.join(" ");
        let filter = filter.strip_prefix("- ").unwrap_or(&filter);
        let refused = |what: &str| {
            Err(Error::Filter {
                what: what.to_owned(),
            })
        };
        if filter.is_empty() || filter == "-" {
            return refused("it is empty; say what is not to be told");
        }
        if filter.len() > FILTER_BYTES_MAX {
            return refused("it is longer than 4096 bytes");
        }
        if filter.contains("<filter>") || filter.contains("</filter>") {
            return refused("it contains the tag that begins or ends filters");
        }
        self.change(author, |transaction| {
            let mut filters = self.filters()?;
            if filters.filters.len() >= FILTERS_MAX {
                return refused("there are 256 already; reset them");
            }
            filters.filters.push(filter.to_owned());
            let place = transaction.find(FILTERS, Last::Keep)?;
            transaction.put(place, filters.lines().as_bytes(), None)
        })
    }

    /// Removes all filters.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn reset_filters(&self, author: Author<'_>) -> Result<(), Error> {
        self.change(author, |transaction| {
            let place = transaction.find(FILTERS, Last::Keep)?;
            match transaction.remove(&place, None) {
                Err(error) if error.is_not_found() => Ok(()),
                other => other,
            }
        })
    }
}
