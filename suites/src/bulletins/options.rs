//! What bulletins are made of.

/// The folder of the texts, from that of the tasks.
pub const TEXTS: &str = "bulletins";

/// How much has to be found out for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Difficulty {
    /// One figure of one issue.
    Easy,
    /// Figures as they were revised later, too.
    #[default]
    Medium,
    /// Sums, differences and months over a year of revised figures.
    Hard,
}

/// What bulletins are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulletinOptions {
    /// About how many megabytes of text, from 1 to 200; 2 by default.
    pub megabytes: usize,
    /// Tasks at most, up to 10,000; 40 by default.
    pub tasks: usize,
    /// How hard they are.
    pub difficulty: Difficulty,
}

impl Default for BulletinOptions {
    fn default() -> Self {
        Self {
            megabytes: 2,
            tasks: 40,
            difficulty: Difficulty::default(),
        }
    }
}
