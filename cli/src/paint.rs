//! Colours: whether a stream gets them, and what they are for.

use clap::ValueEnum;
use nu_ansi_term::{Color, Style};
use std::env;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

impl ColorChoice {
    /// Whether a stream gets colours.
    pub(crate) fn colors(self, is_terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                is_terminal && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// Colours for one stream, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    colored: bool,
}

impl Paint {
    pub(crate) fn new(colored: bool) -> Self {
        Self { colored }
    }

    pub(crate) fn plain() -> Self {
        Self::new(false)
    }

    pub(crate) fn is_colored(self) -> bool {
        self.colored
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(Color::Red.bold(), text)
    }

    pub(crate) fn warn(self, text: &str) -> String {
        self.paint(Color::Yellow.bold(), text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.paint(Color::Green.bold(), text)
    }

    pub(crate) fn hint(self, text: &str) -> String {
        self.paint(Color::Cyan.normal(), text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.colored && !text.is_empty() {
            style.paint(text).to_string()
        } else {
            text.to_owned()
        }
    }
}
