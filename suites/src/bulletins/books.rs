//! The figures, as they were first published and as they were revised.

use crate::random::Random;

/// The first month: January of this year.
pub(super) const FIRST_YEAR: usize = 1939;
/// Months back that an issue shows.
pub(super) const SHOWN_MONTHS: usize = 13;
/// About how many bytes a table of an issue takes.
const TABLE_BYTES: usize = 1_450;
/// Issues of the smallest corpus, and of the largest.
const MONTHS_MIN: usize = 48;
const MONTHS_MAX: usize = 696;

const SUBJECTS: [&str; 16] = [
    "Customs",
    "Internal revenue",
    "Public debt",
    "Savings bonds",
    "Treasury bills",
    "Trust accounts",
    "Postal service",
    "Silver certificates",
    "Gold reserve",
    "Veterans' programs",
    "Agricultural aid",
    "Foreign exchange",
    "Railroad retirement",
    "Social insurance",
    "Excess profits tax",
    "Surplus property",
];
const PLACES: [&str; 12] = [
    "continental",
    "territorial",
    "Atlantic district",
    "Pacific district",
    "Gulf district",
    "northern border",
    "southern border",
    "Lakes district",
    "insular",
    "Mountain district",
    "Plains district",
    "consolidated",
];
/// The columns of a table, under two headings of two.
pub(super) const COLUMNS: [(&str, &str); 4] = [
    ("Receipts", "gross"),
    ("Receipts", "net"),
    ("Expenditures", "budgetary"),
    ("Expenditures", "adjusted"),
];

/// A revision: the issue in which it is first printed, and the figure from then on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Revision {
    pub(super) issue: usize,
    pub(super) figure: i64,
}

/// One column of one table, through all months.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// In thousands of dollars, whole tens of thousands: each unit of a heading shows it exactly.
    pub(super) first: Vec<i64>,
    pub(super) revised: Vec<Option<Revision>>,
}

impl Series {
    /// A month's figure as an issue prints it.
    pub(super) fn printed(&self, month: usize, issue: usize) -> Option<i64> {
        let revision = self.revised.get(month)?;
        match revision.filter(|revision| revision.issue <= issue) {
            Some(revision) => Some(revision.figure),
            None => self.first.get(month).copied(),
        }
    }

    /// As it was printed last.
    pub(super) fn last(&self, month: usize) -> Option<i64> {
        self.printed(month, usize::MAX)
    }
}

/// A table that every issue has.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) columns: Vec<Series>,
}

#[derive(Debug, Clone)]
pub(super) struct Books {
    pub(super) months: usize,
    pub(super) subjects: Vec<Subject>,
}

impl Books {
    pub(super) fn new(random: &mut Random, megabytes: usize) -> Self {
        let months = (MONTHS_MIN + megabytes * 4).min(MONTHS_MAX);
        let tables = (megabytes << 20) / months / TABLE_BYTES;
        let names = SUBJECTS.len() * PLACES.len();
        let subjects = (0..tables.clamp(4, names))
            .map(|number| {
                let subject = SUBJECTS.get(number % SUBJECTS.len()).copied();
                let place = PLACES.get(number / SUBJECTS.len()).copied();
                Subject {
                    name: format!(
                        "{}, {}",
                        subject.unwrap_or_default(),
                        place.unwrap_or_default()
                    ),
                    columns: COLUMNS.iter().map(|_| series(random, months)).collect(),
                }
            })
            .collect();
        Self { months, subjects }
    }
}

fn series(random: &mut Random, months: usize) -> Series {
    let mut level = random.range(2_000, 90_000);
    let first: Vec<i64> = (0..months)
        .map(|_| {
            level = (level + random.range(-900, 1_001)).max(500);
            level * 10
        })
        .collect();
    let revised = first
        .iter()
        .enumerate()
        .map(|(month, figure)| {
            // A figure is revised while issues still show it, and after it was published.
            let issue = month + usize::try_from(random.range(1, 12)).unwrap_or(1);
            let change = random.range(-40, 41) * 10;
            let is_revised = random.chance(40) && change != 0 && issue < months;
            is_revised.then_some(Revision {
                issue,
                figure: figure + change,
            })
        })
        .collect();
    Series { first, revised }
}
