//! The reader of questions and the grader in the form of the public benchmark, with data of our
//! own.

use memex_suites::officeqa::{grade, parse_questions};
use memex_suites::{Error, Grader, Verdict};
use serde_json::json;

fn is_right(truth: &str, reply: &str, tolerance: f64) -> bool {
    grade(truth, reply, tolerance) == Verdict::Correct
}

#[test]
fn answers_are_graded_as_the_benchmark_does() {
    let table: &[(&str, f64, &[&str], &[&str])] = &[
        (
            "2,602",
            0.0,
            &[
                "2602",
                "2,602",
                "The total was 2,602 million dollars.",
                "2602.0",
                "In 1941 it was 2,602.",
            ],
            &["2603", "26.02", "2,602,000", "", "no idea"],
        ),
        (
            "507",
            0.0,
            &["507", "507 %", "about 507 in 1950"],
            &["5070", "506.9", "-507"],
        ),
        (
            "36080 million",
            0.0,
            &[
                "36080",
                "36,080 million",
                "$36,080 million",
                "36080 billion",
            ],
            &["36080000000", "36.08 billion", "36 080"],
        ),
        (
            "1608.80%",
            0.0,
            &["1608.8%", "1,608.80", "1608.80 percent is 1608.8"],
            &["16.088", "1608.9%"],
        ),
        (
            "\u{2212}184.143",
            0.0,
            &["-184.143", "\u{2212}184.143", "It fell: -184.143."],
            &["184.143", "10-184.143"],
        ),
        (
            "[0.096, \u{2212}184.143]",
            0.0,
            &["[0.096, -184.143]", "slope .096 and intercept -184.143"],
            &["[0.096]", "[-184.143, 0.97]"],
        ),
        (
            "[273.28, 54244, 56703]",
            0.0,
            &["273.28, 54,244 and 56,703"],
            &["273.28, 54,244", "[273.28, 54244, 56704]"],
        ),
        (
            "March 3, 1977",
            0.0,
            &[
                "March 3, 1977",
                "It was on march 3, 1977.",
                "<FINAL_ANSWER>March 3, 1977</FINAL_ANSWER>",
            ],
            &["April 3, 1977", "March 4, 1977", "1977-03-03", "March 3"],
        ),
        (
            "August 1986",
            0.0,
            &["August 1986", "in August of 1986", "August, 1986"],
            &["1986", "July 1986", "August 1985"],
        ),
        ("1986", 0.0, &["1986", "the year 1986"], &["1987", "86"]),
        (
            "Henry Morgenthau",
            0.0,
            &[
                "Henry Morgenthau",
                "\"henry morgenthau\"",
                "Henry Morgenthau (HM)",
            ],
            &["Morgenthau", "12"],
        ),
        (
            "0",
            0.0,
            &["0", "0.0", "none, that is 0"],
            &["0.0001", "-1", "none"],
        ),
        ("0", 0.05, &["0"], &["0.01"]),
        (
            "100",
            0.05,
            &["95", "105", "100", "104.9%"],
            &["94.9", "105.1", "1950"],
        ),
        ("100", 0.0, &["100"], &["100.0001"]),
    ];
    for (truth, tolerance, right, wrong) in table {
        for reply in *right {
            assert!(is_right(truth, reply, *tolerance), "{truth:?}, {reply:?}");
        }
        for reply in *wrong {
            assert!(!is_right(truth, reply, *tolerance), "{truth:?}, {reply:?}");
        }
    }
}

#[test]
fn only_the_final_answer_counts_where_there_is_one() {
    let tagged =
        |answer: &str| format!("First 12, then 13. <FINAL_ANSWER>{answer}</FINAL_ANSWER> or 12");
    assert!(is_right("13", &tagged("13"), 0.0));
    assert!(!is_right("12", &tagged("13"), 0.0));
    let empty = grade("12", &tagged(" "), 0.0);
    let Verdict::Incorrect { reason } = empty else {
        panic!("an empty answer is none");
    };
    assert!(reason.contains("empty"), "{reason}");
    // Tags that are not closed are words like others.
    assert!(is_right("12", "<FINAL_ANSWER>12", 0.0));
    let twice = "<FINAL_ANSWER>1</FINAL_ANSWER> no: <FINAL_ANSWER>2</FINAL_ANSWER>";
    assert!(is_right("2", twice, 0.0) && !is_right("1", twice, 0.0));
}

#[test]
fn questions_are_read_from_both_forms_of_the_file() {
    let newer = "uid,question,answer,source_docs,source_files,difficulty\n\
        UID0001,\"How much, in 1941?\",\"2,602\",https://x.example/january-1941-6529?page=15,\
        treasury_bulletin_1941_01.txt,easy\n\
        UID0002,\"Two\nlines\",August 1986,\"a\nb\",\"treasury_bulletin_1986_03.txt\ntreasury_bulletin_1987_03.txt\",hard\n";
    let tasks = parse_questions(newer.as_bytes(), "q.csv", 0.01).unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[0].answer, json!("2,602"));
    assert_eq!(tasks[0].files, ["treasury_bulletin_1941_01.txt"]);
    assert_eq!(tasks[0].grader, Grader::OfficeQa { tolerance: 0.01 });
    assert_eq!(tasks[0].tags, ["officeqa", "easy", "one-source"]);
    assert_eq!(tasks[1].question, "Two\nlines");
    assert_eq!(tasks[1].files.len(), 2);
    assert_eq!(tasks[1].tags, ["officeqa", "hard", "several-sources"]);
    let older = "\u{feff}uid,question,answer,source_docs\n\
        UID1,q,507,\"https://x.example/title/407/march-1941-6531?page=3\nhttps://x.example/december-2002-1/\"\n\
        UID2,q,508,https://x.example/else\n";
    let tasks = parse_questions(older.as_bytes(), "q.csv", 0.0).unwrap();
    let expected = [
        "treasury_bulletin_1941_03.txt",
        "treasury_bulletin_2002_12.txt",
    ];
    assert_eq!(tasks[0].files, expected);
    assert!(tasks[1].files.is_empty());
    for (bad, names) in [
        ("uid,question\nUID1,q\n", "answer"),
        ("uid,question,answer\nUID1,q\n", "q.csv"),
        ("uid,question,answer\nUID1,q,1\nUID1,q,2\n", "UID1"),
        ("uid,question,answer\nUID1,q,\n", "an id and an answer"),
        ("", "uid"),
    ] {
        let error: Error = parse_questions(bad.as_bytes(), "q.csv", 0.0).unwrap_err();
        assert!(error.to_string().contains(names), "{error}");
    }
}
