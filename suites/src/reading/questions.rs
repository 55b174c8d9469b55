//! Questions, with answers computed from the books.

use serde_json::{Value, json};

use super::books::{Books, Company, Year};
use super::document::path_of;
use crate::random::Random;
use crate::{Grader, Task};

/// Tries for each task that is wanted: some draws have no question.
const TRIES: usize = 8;

struct Draft {
    kind: &'static str,
    question: String,
    files: Vec<String>,
    answer: Value,
    grader: Grader,
}

pub(super) fn tasks(books: &Books, random: &mut Random, wanted: usize) -> Vec<Task> {
    let kinds: [fn(&Books, &mut Random) -> Option<Draft>; 7] =
        [lookup, restated, sum, change, ratio, footnote, leader];
    let mut tasks: Vec<Task> = Vec::new();
    for kind in kinds.iter().cycle().take(wanted.saturating_mul(TRIES)) {
        if tasks.len() >= wanted {
            break;
        }
        let Some(draft) = kind(books, random) else {
            continue;
        };
        if tasks.iter().any(|task| task.question == draft.question) {
            continue;
        }
        let spread = if draft.files.len() > 1 {
            "several-documents"
        } else {
            "one-document"
        };
        tasks.push(Task {
            id: format!("reading-{:04}", tasks.len() + 1),
            question: draft.question,
            files: draft.files,
            database: None,
            inputs: Default::default(),
            answer: draft.answer,
            grader: draft.grader,
            tags: vec![
                "reading".to_owned(),
                draft.kind.to_owned(),
                spread.to_owned(),
            ],
        });
    }
    tasks
}

fn company<'a>(books: &'a Books, random: &mut Random) -> Option<&'a Company> {
    books.companies.get(random.index(books.companies.len()))
}

fn year<'a>(company: &'a Company, random: &mut Random) -> Option<&'a Year> {
    company.years.get(random.index(company.years.len()))
}

fn exactly() -> Grader {
    Grader::Numeric {
        tolerance: 0.5,
        relative: 0.0,
    }
}

fn within(tolerance: f64) -> Grader {
    Grader::Numeric {
        tolerance,
        relative: 0.0,
    }
}

fn lookup(books: &Books, random: &mut Random) -> Option<Draft> {
    let company = company(books, random)?;
    let year = year(company, random)?;
    let number = random.index(company.segments.len());
    let (segment, now) = (company.segments.get(number)?, year.year);
    Some(Draft {
        kind: "lookup",
        question: format!(
            "What was the revenue of the {segment} segment of {} in fiscal {now}, as first reported in \
             the annual report for {now}? Answer in thousands of {}.",
            company.name, company.currency
        ),
        files: vec![path_of(company, now)],
        answer: json!(year.revenue.get(number)?),
        grader: exactly(),
    })
}

fn restated(books: &Books, random: &mut Random) -> Option<Draft> {
    let company = company(books, random)?;
    let restated: Vec<&Year> = company
        .years
        .iter()
        .filter(|year| {
            year.restated.is_some() && company.years.iter().any(|y| y.year == year.year + 1)
        })
        .collect();
    let year = random.pick(&restated)?;
    let (number, amount) = year.restated?;
    let segment = company.segments.get(number)?;
    Some(Draft {
        kind: "restatement",
        question: format!(
            "By how much did the annual report of {} for {} change the revenue of the {segment} segment \
             for fiscal {} from what had first been reported? Answer in thousands of {}, negative if it \
             was lowered.",
            company.name,
            year.year + 1,
            year.year,
            company.currency
        ),
        files: vec![path_of(company, year.year), path_of(company, year.year + 1)],
        answer: json!(amount - year.revenue.get(number)?),
        grader: exactly(),
    })
}

fn sum(books: &Books, random: &mut Random) -> Option<Draft> {
    let company = company(books, random)?;
    let first = random.index(company.years.len() - 1);
    let length = 2 + random.index(company.years.len() - first - 1);
    let years = company.years.get(first..first + length)?;
    let (from, to) = (years.first()?.year, years.last()?.year);
    let total: i64 = years.iter().map(|year| year.research).sum();
    Some(Draft {
        kind: "sum",
        question: format!(
            "How much did {} spend on research and development in fiscal {from} to {to} together, by \
             the statements of income? Answer in thousands of {}.",
            company.name, company.currency
        ),
        files: years
            .iter()
            .map(|year| path_of(company, year.year))
            .collect(),
        answer: json!(total),
        grader: exactly(),
    })
}

fn change(books: &Books, random: &mut Random) -> Option<Draft> {
    let company = company(books, random)?;
    let (one, other) = (year(company, random)?, year(company, random)?);
    let (early, late) = if one.year < other.year {
        (one, other)
    } else {
        (other, one)
    };
    if early.year == late.year || early.operating_income() <= 0 {
        return None;
    }
    let (before, after) = (
        early.operating_income() as f64,
        late.operating_income() as f64,
    );
    Some(Draft {
        kind: "change",
        question: format!(
            "By what percentage did the operating income of {} change from fiscal {} to fiscal {}, each \
             as stated in that year's own report and without adjustments? Answer in percent with one \
             decimal, negative for a fall.",
            company.name, early.year, late.year
        ),
        files: vec![path_of(company, early.year), path_of(company, late.year)],
        answer: json!(tenths((after - before) / before * 100.0)),
        grader: within(0.1),
    })
}

fn ratio(books: &Books, random: &mut Random) -> Option<Draft> {
    let company = company(books, random)?;
    let year = year(company, random)?;
    let ratio = year.total_revenue() as f64 / year.employees as f64;
    Some(Draft {
        kind: "ratio",
        question: format!(
            "What was the total revenue of {} per employee in fiscal {}, in thousands of {}, with the \
             employees at the end of that year and one decimal?",
            company.name, year.year, company.currency
        ),
        files: vec![path_of(company, year.year)],
        answer: json!(tenths(ratio)),
        grader: within(0.1),
    })
}

fn footnote(books: &Books, random: &mut Random) -> Option<Draft> {
    let company = company(books, random)?;
    let year = year(company, random)?;
    Some(Draft {
        kind: "footnote",
        question: format!(
            "What did {}'s commitments under leases that had not yet begun come to at the end of fiscal \
             {}? Answer in thousands of {}.",
            company.name, year.year, company.currency
        ),
        files: vec![path_of(company, year.year)],
        answer: json!(year.lease_commitments),
        grader: exactly(),
    })
}

fn leader(books: &Books, random: &mut Random) -> Option<Draft> {
    let year = year(company(books, random)?, random)?.year;
    let share = |company: &Company| {
        let own = company.years.iter().find(|own| own.year == year)?;
        Some(own.research as f64 / own.total_revenue() as f64)
    };
    let mut shares: Vec<(f64, &Company)> = books
        .companies
        .iter()
        .filter_map(|company| Some((share(company)?, company)))
        .collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (first, second) = (shares.first()?, shares.get(1)?);
    // Too near to be distinguished by rounded figures.
    if first.0 - second.0 < 0.001 {
        return None;
    }
    Some(Draft {
        kind: "comparison",
        question: format!(
            "Which company spent the largest part of its total revenue on research and development in \
             fiscal {year}, by the statements of income? Answer with the company's name."
        ),
        files: books
            .companies
            .iter()
            .map(|company| path_of(company, year))
            .collect(),
        answer: json!(first.1.name),
        grader: Grader::Exact,
    })
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
