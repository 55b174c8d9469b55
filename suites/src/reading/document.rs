//! The reports.

use std::fmt::Write;

use super::books::{Books, Company, Year};
use crate::random::Random;

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its file, from the folder of the task file.
    pub path: String,
    /// Its text.
    pub text: String,
}

pub(super) fn path_of(company: &Company, year: i64) -> String {
    format!("reports/{}-{year}.md", company.stem)
}

pub(super) fn documents(books: &Books, random: &mut Random) -> Vec<Document> {
    let mut documents = Vec::new();
    for company in &books.companies {
        for year in &company.years {
            documents.push(Document {
                path: path_of(company, year.year),
                text: report(company, year, random),
            });
        }
    }
    documents
}

fn report(company: &Company, year: &Year, random: &mut Random) -> String {
    let unit = if year.is_in_millions {
        "millions"
    } else {
        "thousands"
    };
    let (name, currency, now) = (&company.name, company.currency, year.year);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "# {name}: annual report for fiscal {now}\n");
    let _ = writeln!(
        text,
        "Amounts are in {unit} of {currency} unless a table says otherwise.\n"
    );
    let _ = writeln!(text, "{}\n", letter(company, year, random));
    segments(&mut text, company, year);
    income(&mut text, company, year);
    quarters(&mut text, company, year, random);
    adjusted(&mut text, year, random);
    people(&mut text, company, year, random);
    notes(&mut text, company, year, random);
    text
}

/// An amount in the unit of a report.
fn amount(year: &Year, thousands: i64) -> String {
    let shown = if year.is_in_millions {
        format!(
            "{}.{}",
            grouped(thousands.abs() / 1000),
            thousands.abs() % 1000 / 100
        )
    } else {
        grouped(thousands.abs())
    };
    if thousands < 0 {
        format!("({shown})")
    } else {
        shown
    }
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn letter(company: &Company, year: &Year, random: &mut Random) -> String {
    let segment = random.pick(&company.segments).unwrap_or("the group");
    let outlook = year.total_revenue() / 100 * random.range(101, 112);
    let mood = random
        .pick(&["steady", "demanding", "eventful"])
        .unwrap_or("steady");
    format!(
        "It was a {mood} year. {segment} drew most of our attention. For the coming year we plan \
         for revenue of about {} and for research spending in line with it; these are plans, not results.",
        amount(year, outlook / 100 * 100)
    )
}

fn segments(text: &mut String, company: &Company, year: &Year) {
    let before = company.before(year);
    let mark = if before.is_some_and(|before| before.restated.is_some()) {
        " (restated¹)"
    } else {
        ""
    };
    let _ = writeln!(text, "## Revenue by segment\n");
    match before {
        Some(before) => {
            let _ = writeln!(
                text,
                "| Segment | {} | {}{mark} |\n|---|---:|---:|",
                year.year, before.year
            );
        }
        None => {
            let _ = writeln!(text, "| Segment | {} |\n|---|---:|", year.year);
        }
    }
    for (number, segment) in company.segments.iter().enumerate() {
        let own = year.revenue.get(number).copied().unwrap_or(0);
        let _ = write!(text, "| {segment} | {} |", amount(year, own));
        if let Some(before) = before {
            let _ = write!(text, " {} |", amount(year, before.later_revenue(number)));
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "| Total revenue | {} |",
        amount(year, year.total_revenue())
    );
    if let Some(before) = before {
        let total = (0..company.segments.len())
            .map(|number| before.later_revenue(number))
            .sum();
        let _ = write!(text, " {} |", amount(year, total));
    }
    text.push_str("\n\n");
    if let Some((number, _)) = before.and_then(|before| before.restated) {
        let segment = company.segments.get(number).copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "¹ Revenue of {segment} for {} was restated after a review of contract terms.\n",
            year.year - 1
        );
    }
}

fn income(text: &mut String, company: &Company, year: &Year) {
    let _ = writeln!(
        text,
        "## Statement of income\n\n| | {} |\n|---|---:|",
        year.year
    );
    for (line, value) in [
        ("Total revenue", year.total_revenue()),
        ("Cost of sales", -year.cost_of_sales),
        ("Research and development", -year.research),
        ("Selling, general and administration", -year.administration),
        ("Operating income", year.operating_income()),
    ] {
        let _ = writeln!(text, "| {line} | {} |", amount(year, value));
    }
    let _ = writeln!(
        text,
        "\nExpenses of {} stand in parentheses.\n",
        company.name
    );
}

/// Quarters of the total revenue, always in the other unit.
fn quarters(text: &mut String, company: &Company, year: &Year, random: &mut Random) {
    let other = Year {
        is_in_millions: !year.is_in_millions,
        revenue: Vec::new(),
        ..*year
    };
    let unit = if other.is_in_millions {
        "millions"
    } else {
        "thousands"
    };
    let _ = writeln!(
        text,
        "## Revenue by quarter (unaudited, {unit} of {})\n\n| Q1 | Q2 | Q3 | Q4 |\n|---:|---:|---:|---:|",
        company.currency
    );
    let mut left = year.total_revenue();
    let mut cells = Vec::new();
    for quarter in [4, 3, 2] {
        let part = left / quarter / 100 * random.range(92, 108) / 100 * 100;
        cells.push(amount(&other, part));
        left -= part;
    }
    cells.push(amount(&other, left));
    let _ = writeln!(text, "| {} |\n", cells.join(" | "));
}

fn adjusted(text: &mut String, year: &Year, random: &mut Random) {
    let income = year.operating_income() + random.range(10, 90) * 100;
    let research = year.research + random.range(5, 50) * 100;
    let _ = writeln!(
        text,
        "## Adjusted figures (not by accounting standards)\n\n| | {} |\n|---|---:|\n\
         | Adjusted operating income | {} |\n| Research and development at constant currency | {} |\n",
        year.year,
        amount(year, income),
        amount(year, research)
    );
}

fn people(text: &mut String, company: &Company, year: &Year, random: &mut Random) {
    let abroad = year.employees * random.range(20, 60) / 100;
    let _ = writeln!(
        text,
        "## People\n\n| Employees at the end of {} | |\n|---|---:|\n| At home | {} |\n| Abroad | {} |\n| Total | {} |\n",
        year.year,
        grouped(year.employees - abroad),
        grouped(abroad),
        grouped(year.employees)
    );
    if let Some(before) = company.before(year) {
        let _ = writeln!(
            text,
            "A year before there were {}.\n",
            grouped(before.employees)
        );
    }
}

fn notes(text: &mut String, company: &Company, year: &Year, random: &mut Random) {
    let other = random.range(10, 400) * 100;
    let _ = writeln!(
        text,
        "## Notes\n\n1. {} leases most of its sites. Commitments under leases that had not begun at \
         the end of {} came to {}.\n2. Purchase commitments came to {}.\n3. No dividend has been proposed.",
        company.name,
        year.year,
        amount(year, year.lease_commitments),
        amount(year, other)
    );
}
