//! Bulletins: their answers stand in them, and they have the size that was asked for.

use memex_suites::bulletins::{BulletinOptions, Difficulty, TEXTS, generate};
use memex_suites::{Task, Verdict, grade};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

fn made(seed: u64, options: &BulletinOptions) -> (tempfile::TempDir, Vec<Task>) {
    let folder = tempfile::tempdir().unwrap();
    let tasks = generate(seed, options, folder.path()).unwrap();
    (folder, tasks)
}

fn texts(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder.join(TEXTS)).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text)
        })
        .collect()
}

fn of(difficulty: Difficulty) -> BulletinOptions {
    BulletinOptions {
        megabytes: 1,
        difficulty,
        ..BulletinOptions::default()
    }
}

/// The figure of a column for a month in a table of an issue, in thousands.
fn figure(text: &str, subject: &str, column: usize, month: &str) -> Option<i64> {
    let table = text.split("Table ").find(|table| {
        let heading = table.lines().next().unwrap_or_default();
        heading.ends_with(&format!(". {subject}"))
    })?;
    let is_in_millions = table.contains("(In millions of dollars)");
    let (name, year) = month.split_once(' ')?;
    let mut now = "";
    for line in table.lines().filter(|line| line.contains("..")) {
        let (stub, cells) = line.split_once('|')?;
        let stub = stub.trim_matches(['.', ' ']);
        let label = match stub.split_once(": ") {
            Some((of, label)) => {
                now = of;
                label
            }
            None => stub,
        };
        if label == name && now == year {
            let cell = cells
                .split('|')
                .nth(column)?
                .trim()
                .trim_matches(['r', 'p']);
            let plain: f64 = cell.replace(',', "").parse().ok()?;
            return Some((plain * if is_in_millions { 1_000.0 } else { 1.0 }).round() as i64);
        }
    }
    None
}

#[test]
fn answers_stand_in_the_issues_that_a_task_names() {
    let (folder, tasks) = made(1, &of(Difficulty::Medium));
    let texts = texts(folder.path());
    assert_eq!(tasks.len(), 40);
    let mut revised = 0;
    for task in &tasks {
        let subject = task.question.split('"').nth(1).unwrap();
        let columns = [
            "gross receipts",
            "net receipts",
            "budgetary expenditures",
            "adjusted expenditures",
        ];
        let column = columns
            .iter()
            .position(|column| task.question.contains(column))
            .unwrap();
        let (_, rest) = task.question.split_once("\" in ").unwrap();
        let month = rest.split_once(',').unwrap().0;
        let of = |path: &String| &texts[path.strip_prefix("bulletins/").unwrap()];
        let last = of(task.files.last().unwrap());
        let found = figure(last, subject, column, month).unwrap();
        assert_eq!(task.answer, json!(found.to_string()), "{}", task.question);
        assert_eq!(
            grade(task, &json!(format!("{found} thousand"))).unwrap(),
            Verdict::Correct
        );
        if let [first, _] = task.files.as_slice() {
            let before = figure(of(first), subject, column, month).unwrap();
            assert_ne!(before, found, "{}", task.question);
            assert_ne!(grade(task, &json!(before)).unwrap(), Verdict::Correct);
            revised += 1;
        }
    }
    assert!((10..35).contains(&revised), "{revised}");
}

#[test]
fn a_suite_is_its_seed_size_and_difficulty() {
    let (one, tasks) = made(1, &of(Difficulty::Hard));
    let (again, same) = made(1, &of(Difficulty::Hard));
    assert_eq!((texts(one.path()), &tasks), (texts(again.path()), &same));
    assert_ne!(made(2, &of(Difficulty::Hard)).1, tasks);
    let kinds = |tasks: &[Task]| -> Vec<String> {
        let mut kinds: Vec<String> = tasks.iter().map(|task| task.tags[2].clone()).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    assert_eq!(
        kinds(&tasks),
        ["highest-month", "revised", "sum-of-revisions"]
    );
    assert_eq!(
        kinds(&made(1, &of(Difficulty::Easy)).1),
        ["first-published"]
    );
    for task in &tasks {
        assert_eq!(
            grade(task, &task.answer).unwrap(),
            Verdict::Correct,
            "{}",
            task.question
        );
        assert_ne!(
            grade(task, &Value::from("I do not know")).unwrap(),
            Verdict::Correct
        );
    }
    for megabytes in [1, 6] {
        let options = BulletinOptions {
            megabytes,
            ..BulletinOptions::default()
        };
        let (folder, _) = made(1, &options);
        let bytes: usize = texts(folder.path()).values().map(String::len).sum();
        let range = (megabytes << 20) / 2..(megabytes << 20) * 2;
        assert!(range.contains(&bytes), "{megabytes} MB: {bytes}");
    }
}
