//! Sheets of Excel and OpenDocument as tables.

use super::support::{Table, Toolbox};
use memex_sql::{DataFiles, Databases, read_tables};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of Excel with these sheets: names and their rows in XML.
fn xlsx(sheets: &[(&str, &str)]) -> Vec<u8> {
    let mut relations = String::new();
    let mut entries = String::new();
    let mut parts = Vec::new();
    for (number, (name, rows)) in sheets.iter().enumerate() {
        relations.push_str(&format!(
            r#"<Relationship Id="rId{number}" Target="worksheets/sheet{number}.xml"/>"#
        ));
        entries.push_str(&format!(
            r#"<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>"#
        ));
        parts.push((
            format!("xl/worksheets/sheet{number}.xml"),
            format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        ));
    }
    let workbook = format!("<workbook><workbookPr/><sheets>{entries}</sheets></workbook>");
    let relations = format!("<Relationships>{relations}</Relationships>");
    let strings = "<sst><si><t>name</t></si><si><r><t>Zür</t></r><r><t>ich &amp; co</t></r>\
        <rPh sb=\"0\"><t>spoken</t></rPh></si><si/></sst>";
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/></numFmts>\
        <cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>\
        <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/><xf numFmtId=\"22\"/><xf numFmtId=\"21\"/></cellXfs></styleSheet>";
    let mut all: Vec<(&str, &str)> = vec![
        ("xl/workbook.xml", &workbook),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/sharedStrings.xml", strings),
        ("xl/styles.xml", styles),
    ];
    all.extend(
        parts
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_str())),
    );
    zipped(&all)
}

const ROWS: &str = r#"
    <row r="1"><c r="A1" t="inlineStr"><is><t>A report</t></is></c></row>
    <row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="str"><v>day</v></c><c r="C3" t="str"><v>at</v></c>
      <c r="D3" t="str"><v>n</v></c><c r="E3" t="str"><v>x</v></c><c r="F3" t="str"><v>ok</v></c>
      <c r="G3" t="str"><v>mixed</v></c><c r="H3" t="str"><v>clock</v></c></row>
    <row r="4"><c r="A4" t="s"><v>1</v></c><c r="B4" s="1"><v>45292</v></c><c r="C4" s="2"><v>45292.5</v></c>
      <c r="D4"><v>7</v></c><c r="E4"><v>1.5</v></c><c r="F4" t="b"><v>1</v></c><c r="G4"><v>1</v></c>
      <c r="H4" s="3"><v>0.75</v></c></row>
    <row r="5"><c r="A5" t="s"><v>2</v></c><c r="D5"><v>12345678901</v></c><c r="E5" t="e"><v>#N/A</v></c>
      <c r="G5" t="str"><v>two</v></c></row>
    <row r="6"/>"#;

fn over(files: &[(&str, &[u8])]) -> Toolbox {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let files = DataFiles::directory(directory.path());
    Toolbox {
        tools: Databases::builder()
            .files("files", files)
            .build()
            .unwrap()
            .tools(),
        directory,
    }
}

#[tokio::test]
async fn a_sheet_of_excel_has_the_values_that_are_seen() {
    let book = xlsx(&[("Sheet1", ROWS)]);
    let toolbox = over(&[("book.xlsx", &book)]);
    let table = toolbox.table("SELECT * FROM book").await;
    assert_eq!(
        table.types(),
        [
            "name: text",
            "day: date",
            "at: timestamp",
            "n: int64",
            "x: float64",
            "ok: bool",
            "mixed: text",
            "clock: text"
        ]
    );
    assert_eq!(
        json!(table.rows()),
        json!([
            [
                "Zürich & co",
                19_723,
                1_704_110_400_000_000_i64,
                7,
                1.5,
                true,
                "1",
                "18:00:00"
            ],
            [
                null,
                null,
                null,
                12_345_678_901_i64,
                null,
                null,
                "two",
                null
            ],
        ])
    );
    assert_eq!(
        table.attributes["notes"],
        json!([
            "book: 1 rows before the header were left out; 1 cells with errors such as #N/A are NULL"
        ])
    );
    let path = toolbox.directory.path().join("book.xlsx");
    let inputs = read_tables(&path, 1 << 20).unwrap();
    assert_eq!(inputs.len(), 1);
    assert_eq!(Table::of(&inputs[0].value).rows(), table.rows());
}

#[tokio::test]
async fn every_sheet_is_a_table() {
    let one = r#"<row><c t="str"><v>a</v></c></row><row><c><v>1</v></c></row>"#;
    let two = r#"<row><c t="str"><v>b</v></c></row><row><c><v>2</v></c></row>"#;
    let book = xlsx(&[("Jan", one), ("Feb 2024", two)]);
    let toolbox = over(&[("b.xlsx", &book)]);
    assert_eq!(
        json!(toolbox.rows("SELECT a FROM b_Jan").await),
        json!([[1]])
    );
    assert_eq!(
        json!(toolbox.rows("SELECT b FROM b_Feb_2024").await),
        json!([[2]])
    );
    let inputs = read_tables(&toolbox.directory.path().join("b.xlsx"), 1 << 20).unwrap();
    let names: Vec<&str> = inputs.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["b_Jan", "b_Feb_2024"]);
}

fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content><office:body><office:spreadsheet>
        <table:table table:name="S">{rows}</table:table>
        </office:spreadsheet></office:body></office:document-content>"#
    );
    zipped(&[("content.xml", &content)])
}

#[tokio::test]
async fn a_sheet_of_opendocument_is_a_table() {
    let book = ods(
        r#"<table:table-row><table:table-cell office:value-type="string"><text:p>name</text:p></table:table-cell>
        <table:table-cell office:value-type="string"><text:p>day</text:p></table:table-cell>
        <table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>
        <table:table-cell table:number-columns-repeated="16381"/></table:table-row>
        <table:table-row><table:table-cell office:value-type="string"><text:p>two<text:s text:c="2"/>words</text:p><text:p>more</text:p></table:table-cell>
        <table:table-cell office:value-type="date" office:date-value="2024-01-02"><text:p>02.01.24</text:p></table:table-cell>
        <table:table-cell office:value-type="float" office:value="1.5"><text:p>1,50</text:p></table:table-cell></table:table-row>
        <table:table-row table:number-rows-repeated="2"><table:table-cell/><table:table-cell/>
        <table:table-cell office:value-type="float" office:value="2"/></table:table-row>
        <table:table-row table:number-rows-repeated="1048570"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>"#,
    );
    let toolbox = over(&[("s.ods", &book)]);
    let table = toolbox.table("SELECT * FROM s").await;
    assert_eq!(table.types(), ["name: text", "day: date", "x: float64"]);
    assert_eq!(
        json!(table.rows()),
        json!([
            ["two  words\nmore", 19_724, 1.5],
            [null, null, 2.0],
            [null, null, 2.0]
        ])
    );
}

/// What a file states of its size costs nothing that is not there.
#[tokio::test]
async fn hostile_workbooks_are_refused() {
    let far =
        r#"<row><c r="A1" t="str"><v>a</v></c></row><row><c r="XFD1048576"><v>1</v></c></row>"#;
    let beyond = r#"<row><c r="ZZZZ1"><v>1</v></c></row>"#;
    let cell = r#"<table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>TEXT</text:p></table:table-cell>"#;
    let row = format!(
        r#"<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>"#
    );
    let long = cell.replace("TEXT", &"x".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("far.xlsx", xlsx(&[("S", far)])),
        ("beyond.xlsx", xlsx(&[("S", beyond)])),
        ("cut.xlsx", xlsx(&[("S", ROWS)])[..900].to_vec()),
        ("text.xlsx", b"name,price\nA,1\n".to_vec()),
        ("many.ods", ods(&row)),
        (
            "long.ods",
            ods(&format!("<table:table-row>{long}</table:table-row>")),
        ),
        ("broken.ods", ods("<table:table-row><unclosed").to_vec()),
    ];
    let mut files: Vec<(&str, &[u8])> = cases
        .iter()
        .map(|(name, book)| (*name, &book[..]))
        .collect();
    files.push(("good.csv", b"a\n1\n"));
    let toolbox = over(&files);
    for (name, _) in &cases {
        let table = name.split('.').next().unwrap();
        let error = toolbox.error(&format!("SELECT * FROM {table}")).await;
        let is_told = ["ValueError", "MemoryError"].contains(&error.class);
        assert!(is_told, "{name}: {error}");
        assert_eq!(toolbox.rows("SELECT a FROM good").await, [[Value::from(1)]]);
    }
}
