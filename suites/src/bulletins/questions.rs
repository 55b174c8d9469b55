//! Questions, answered from the books.

use super::books::{Books, COLUMNS, Series, Subject};
use super::issues::{MONTHS, file_of, name_of, year_of};
use super::options::{Difficulty, TEXTS};
use crate::random::Random;
use crate::{Grader, Task};

/// A question in the making.
struct Draft {
    question: String,
    answer: String,
    kind: &'static str,
    /// The issues that have what is needed.
    issues: Vec<usize>,
}

/// A series, with its name.
struct Asked<'a> {
    subject: &'a Subject,
    column: (&'static str, &'static str),
    series: &'a Series,
}

impl Asked<'_> {
    fn name(&self) -> String {
        let (heading, column) = self.column;
        let heading = heading.to_lowercase();
        format!("{column} {heading} of \"{}\"", self.subject.name)
    }
}

pub(super) fn tasks(
    books: &Books,
    random: &mut Random,
    count: usize,
    difficulty: Difficulty,
) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    // Some drafts come to nothing, or are there already.
    for attempt in 0..count.saturating_mul(20) {
        if tasks.len() == count {
            break;
        }
        let Some(draft) = draft(books, random, difficulty, attempt) else {
            continue;
        };
        if tasks.iter().any(|task| task.question == draft.question) {
            continue;
        }
        let level = match difficulty {
            Difficulty::Easy => "easy",
            Difficulty::Medium => "medium",
            Difficulty::Hard => "hard",
        };
        tasks.push(Task {
            id: format!("bulletins-{:04}", tasks.len() + 1),
            question: draft.question,
            files: draft.issues.into_iter().map(path_of).collect(),
            database: None,
            inputs: Default::default(),
            answer: draft.answer.into(),
            grader: Grader::OfficeQa { tolerance: 0.0 },
            tags: vec![
                "bulletins".to_owned(),
                level.to_owned(),
                draft.kind.to_owned(),
            ],
        });
    }
    tasks
}

fn path_of(issue: usize) -> String {
    format!("{TEXTS}/{}", file_of(issue))
}

fn draft(
    books: &Books,
    random: &mut Random,
    difficulty: Difficulty,
    attempt: usize,
) -> Option<Draft> {
    let subject = books.subjects.get(random.index(books.subjects.len()))?;
    let number = random.index(COLUMNS.len());
    let asked = Asked {
        subject,
        column: *COLUMNS.get(number)?,
        series: subject.columns.get(number)?,
    };
    match (difficulty, attempt % 3) {
        (Difficulty::Easy, _) | (Difficulty::Medium, 0) => first_published(books, random, &asked),
        (Difficulty::Medium, _) | (Difficulty::Hard, 0) => revised(books, random, &asked),
        (Difficulty::Hard, 1) => year_of_revisions(books, random, &asked),
        (Difficulty::Hard, _) => highest_month(books, random, &asked),
    }
}

fn first_published(books: &Books, random: &mut Random, asked: &Asked<'_>) -> Option<Draft> {
    let month = random.index(books.months);
    let figure = asked.series.first.get(month).copied()?;
    Some(Draft {
        question: format!(
            "As first published, what were the {} in {}, in thousands of dollars?",
            asked.name(),
            name_of(month)
        ),
        answer: figure.to_string(),
        kind: "first-published",
        issues: vec![month],
    })
}

fn revised(books: &Books, random: &mut Random, asked: &Asked<'_>) -> Option<Draft> {
    let month = random.index(books.months);
    let revision = asked.series.revised.get(month).copied().flatten()?;
    Some(Draft {
        question: format!(
            "As last revised, what were the {} in {}, in thousands of dollars?",
            asked.name(),
            name_of(month)
        ),
        answer: revision.figure.to_string(),
        kind: "revised",
        issues: vec![month, revision.issue],
    })
}

/// January of a year that is over in the last issue.
fn whole_year(books: &Books, random: &mut Random) -> Option<std::ops::Range<usize>> {
    let january = random.index((books.months / 12).checked_sub(1)?) * 12;
    Some(january..january + 12)
}

fn year_of_revisions(books: &Books, random: &mut Random, asked: &Asked<'_>) -> Option<Draft> {
    let year = whole_year(books, random)?;
    let first: i64 = year
        .clone()
        .filter_map(|month| asked.series.first.get(month))
        .sum();
    let last: i64 = year
        .clone()
        .filter_map(|month| asked.series.last(month))
        .sum();
    (first != last).then(|| Draft {
        question: format!(
            "By how many thousands of dollars did revisions change the sum of the {} from January to \
             December {}? Give what was last published less what was first published.",
            asked.name(),
            year_of(year.start)
        ),
        answer: (last - first).to_string(),
        kind: "sum-of-revisions",
        issues: revisions(asked.series, year.clone()),
    })
}

fn highest_month(books: &Books, random: &mut Random, asked: &Asked<'_>) -> Option<Draft> {
    let year = whole_year(books, random)?;
    let mut figures: Vec<(i64, usize)> = year
        .clone()
        .filter_map(|month| Some((asked.series.last(month)?, month)))
        .collect();
    figures.sort_unstable();
    let (highest, month) = figures.pop()?;
    // There is one answer.
    if figures.last().is_some_and(|(next, _)| *next == highest) {
        return None;
    }
    let name = MONTHS.get(month % 12)?;
    Some(Draft {
        question: format!(
            "In which month of {} were the {} highest, by figures as last revised, and what were they \
             in thousands of dollars? Give the month and the figure.",
            year_of(year.start),
            asked.name()
        ),
        answer: format!("{name}: {highest}"),
        kind: "highest-month",
        issues: revisions(asked.series, year.clone()),
    })
}

/// The issues that have the first and the last figures of a year.
fn revisions(series: &Series, year: std::ops::Range<usize>) -> Vec<usize> {
    let later = year
        .clone()
        .filter_map(|month| Some(series.revised.get(month).copied().flatten()?.issue));
    let mut issues: Vec<usize> = year.clone().chain(later).collect();
    issues.sort_unstable();
    issues.dedup();
    issues
}
