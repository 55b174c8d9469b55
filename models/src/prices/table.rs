//! Prices by model.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::Cost;
use crate::scripted::{format, read_text};
use crate::{ModelError, Usage};

/// The prices that come with the crate.
const BUILT_IN: &str = include_str!("prices.toml");

/// How large a file of prices may be.
const PRICES_BYTES_MAX: u64 = 4 << 20;

/// The price of a million tokens, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Read.
    pub input: f64,
    /// Read from the provider's cache. Default: as `input`.
    pub cached_input: Option<f64>,
    /// Written to the provider's cache while they are read. Default: as `input`.
    pub cache_write: Option<f64>,
    /// Written, thoughts included.
    pub output: f64,
}

/// Prices of models.
///
/// A model is found by its name, or by its name without the date, version or
/// `-latest` that providers put behind it. What is not found has no price:
/// never a guess.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    as_of: String,
    models: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    as_of: Option<String>,
    #[serde(default)]
    models: BTreeMap<String, Price>,
}

impl Price {
    /// The cost of this use.
    pub fn cost(&self, usage: &Usage) -> Cost {
        let plain = usage.input.saturating_sub(usage.cached_input);
        let plain = plain.saturating_sub(usage.cache_write);
        let million = |price: f64| Cost::from_usd(price / 1e6);
        let shares = [
            (self.input, plain),
            (self.cached_input.unwrap_or(self.input), usage.cached_input),
            (self.cache_write.unwrap_or(self.input), usage.cache_write),
            (self.output, usage.output),
        ];
        let shares = shares.into_iter();
        shares
            .map(|(price, tokens)| million(price).times(tokens))
            .sum()
    }
}

impl Prices {
    /// The prices that come with the crate.
    ///
    /// # Errors
    /// [`ModelError::Format`], if the crate was built with a broken table.
    pub fn built_in() -> Result<Self, ModelError> {
        Self::none().overlaid("the built-in prices", BUILT_IN)
    }

    /// No prices at all.
    pub fn none() -> Self {
        Self {
            as_of: String::new(),
            models: BTreeMap::new(),
        }
    }

    /// These prices, with those of a file over them.
    ///
    /// # Errors
    /// [`ModelError::File`], [`ModelError::TooLarge`] and [`ModelError::Format`].
    pub fn with_file(self, path: &Path) -> Result<Self, ModelError> {
        let text = read_text(path, PRICES_BYTES_MAX)?;
        self.overlaid(&path.display().to_string(), &text)
    }

    /// These prices, with those of a TOML text over them.
    ///
    /// # Errors
    /// [`ModelError::Format`].
    pub fn overlaid(mut self, name: &str, text: &str) -> Result<Self, ModelError> {
        let document: Document = memex_settings::read(text)
            .map_err(|misread| format(name, Some(misread.line), misread.what))?;
        for (model, price) in document.models {
            let numbers = [
                Some(price.input),
                price.cached_input,
                price.cache_write,
                Some(price.output),
            ];
            let bad = |number: f64| !(0.0..=1e6).contains(&number);
            if numbers.into_iter().flatten().any(bad) {
                let what = format!("{model}: a price is between 0 and 1000000 dollars");
                return Err(format(name, None, what));
            }
            self.models.insert(model, price);
        }
        if let Some(as_of) = document.as_of {
            self.as_of = as_of;
        }
        Ok(self)
    }

    /// The day of the last table read.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// The price of a model.
    pub fn price(&self, model: &str) -> Option<&Price> {
        if let Some(price) = self.models.get(model) {
            return Some(price);
        }
        let mut dated = model.rmatch_indices('-').filter_map(|(at, _)| {
            let (name, end) = model.split_at(at);
            is_date(end.get(1..)?).then(|| self.models.get(name))?
        });
        dated.next()
    }

    /// The cost of a use of a model.
    pub fn cost(&self, model: &str, usage: &Usage) -> Option<Cost> {
        self.price(model).map(|price| price.cost(usage))
    }
}

/// `latest`, `20250514`, `2025-05-14`, and versions such as `001` or `0613`. A
/// single digit is no version: it is another model.
fn is_date(end: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match end.len() {
        3 | 4 | 8 => digits(end),
        10 => end.splitn(3, '-').map(str::len).eq([4, 2, 2]) && digits(&end.replace('-', "")),
        _ => end == "latest",
    }
}
