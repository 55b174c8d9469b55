//! The reports say what the answers say.

use memex_suites::reading::{Corpus, ReadingOptions, generate};
use memex_suites::{Task, Verdict, grade};
use serde_json::json;

use crate::between;

fn corpus() -> Corpus {
    generate(
        7,
        &ReadingOptions {
            companies: 6,
            years: 5,
            tasks: 300,
        },
    )
}

fn text<'a>(corpus: &'a Corpus, path: &str) -> &'a str {
    &corpus
        .documents
        .iter()
        .find(|document| document.path == path)
        .unwrap()
        .text
}

/// An amount of a report, in thousands.
fn thousands(report: &str, cell: &str) -> f64 {
    let cell = cell.trim();
    let is_negative = cell.starts_with('(');
    let digits: String = cell
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let number: f64 = digits.trim_end_matches('.').parse().unwrap();
    let unit = if report.contains("Amounts are in millions") {
        1000.0
    } else {
        1.0
    };
    (number * unit).round() * if is_negative { -1.0 } else { 1.0 }
}

/// A cell of a table under a heading.
fn cell(report: &str, heading: &str, row: &str, column: usize) -> f64 {
    let section = report.split_once(heading).unwrap().1;
    let line = section
        .lines()
        .find(|line| line.starts_with(&format!("| {row} |")))
        .unwrap();
    thousands(report, line.split('|').nth(column + 1).unwrap())
}

fn income(report: &str, row: &str) -> f64 {
    cell(report, "## Statement of income", row, 1)
}

fn company<'a>(corpus: &'a Corpus, path: &str) -> &'a str {
    between(text(corpus, path), "# ", ": annual report")
}

/// What a careful reader answers, who has the documents alone.
fn read(corpus: &Corpus, task: &Task) -> serde_json::Value {
    let report = |number: usize| text(corpus, &task.files[number]);
    let research = |report: &str| -income(report, "Research and development");
    let answer = match task.tags[1].as_str() {
        "lookup" => {
            let segment = between(&task.question, "revenue of the ", " segment");
            cell(report(0), "## Revenue by segment", segment, 1)
        }
        "restatement" => {
            let segment = between(&task.question, "revenue of the ", " segment");
            let table = "## Revenue by segment";
            assert!(
                report(1).contains(&format!("Revenue of {segment} for ")),
                "a note says so"
            );
            cell(report(1), table, segment, 2) - cell(report(0), table, segment, 1)
        }
        "sum" => (0..task.files.len())
            .map(|number| research(report(number)))
            .sum(),
        "change" => {
            let (early, late) = (
                income(report(0), "Operating income"),
                income(report(1), "Operating income"),
            );
            (late - early) / early * 100.0
        }
        "ratio" => {
            let people = report(0).split_once("## People").unwrap().1;
            let people = between(people, "| Total | ", " |").replace(',', "");
            income(report(0), "Total revenue") / people.parse::<f64>().unwrap()
        }
        "footnote" => thousands(report(0), between(report(0), " came to ", ".\n2.")),
        "comparison" => {
            let share = |path: &&String| {
                research(text(corpus, path)) / income(text(corpus, path), "Total revenue")
            };
            let best = task
                .files
                .iter()
                .max_by(|a, b| share(a).total_cmp(&share(b)))
                .unwrap();
            return json!(company(corpus, best));
        }
        other => panic!("{other}"),
    };
    json!(answer)
}

#[test]
fn a_careful_reader_is_always_right() {
    let corpus = corpus();
    let mut kinds = std::collections::BTreeMap::new();
    for task in &corpus.tasks {
        let answer = read(&corpus, task);
        assert_eq!(
            grade(task, &answer).unwrap(),
            Verdict::Correct,
            "{} {answer}",
            task.question
        );
        *kinds.entry(task.tags[1].as_str()).or_insert(0) += 1;
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    assert!(kinds.values().all(|count| *count > 4), "{kinds:?}");
}

#[test]
fn wrong_readings_are_wrong() {
    let corpus = corpus();
    for task in &corpus.tasks {
        let wrong = match task.answer.as_f64() {
            Some(answer) => json!(answer + answer.abs() * 0.05 + 1.0),
            None => json!("Somebody Else"),
        };
        assert!(
            matches!(grade(task, &wrong).unwrap(), Verdict::Incorrect { .. }),
            "{}",
            task.question
        );
    }
}

#[test]
fn a_suite_is_its_seed() {
    let options = ReadingOptions::default();
    let first = generate(1, &options);
    assert_eq!(first, generate(1, &options));
    assert_ne!(first, generate(2, &options));
    assert_eq!(first.tasks.len(), options.tasks);
    assert_eq!(first.documents.len(), options.companies * options.years);
    // A suite that changes under the same seed makes old results worthless.
    let all: String = first
        .documents
        .iter()
        .map(|document| document.text.as_str())
        .collect();
    // Fields that tasks have got since say nothing in it.
    let tasks = format!("{:?}", first.tasks).replace(" inputs: {},", "");
    assert_eq!(checksum(&(all + &tasks)), PINNED);
}

const PINNED: u64 = 12_283_234_081_356_947_828;

fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn sizes_are_brought_within_bounds() {
    for (companies, years, tasks) in [(0, 0, 0), (99, 99, 100_000)] {
        let corpus = generate(
            5,
            &ReadingOptions {
                companies,
                years,
                tasks,
            },
        );
        assert!((4..=24 * 12).contains(&corpus.documents.len()));
        assert!(corpus.tasks.len() <= 10_000);
    }
}

#[test]
fn a_corpus_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let corpus = generate(1, &ReadingOptions::default());
    corpus.write(folder.path()).unwrap();
    for task in memex_suites::read_tasks(&folder.path().join("tasks.jsonl")).unwrap() {
        for file in &task.files {
            assert!(folder.path().join(file).is_file(), "{file}");
        }
    }
}
