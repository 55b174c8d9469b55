//! Parquet and Arrow files as tables.

use super::support::Toolbox;
use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float64Array, Int8Array, Int64Array, IntervalDayTimeArray, LargeStringArray, RecordBatch,
    StringArray, StringViewArray, StructArray, Time64MicrosecondArray, TimestampMillisecondArray,
    UInt64Array,
};
use arrow_schema::{DataType, Field};
use memex_sql::{DataFiles, Databases, SqlLimits};
use parquet::basic::{Compression, ZstdLevel};
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

pub(crate) fn over(directory: tempfile::TempDir, limits: SqlLimits) -> Toolbox {
    let databases = Databases::builder()
        .limits(limits)
        .files("files", DataFiles::directory(directory.path()));
    Toolbox {
        tools: databases.build().unwrap().tools(),
        directory,
    }
}

pub(crate) fn toolbox(files: &[(&str, &[u8])]) -> Toolbox {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    over(directory, SqlLimits::default())
}

fn batch() -> RecordBatch {
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(1), None]);
    lists.append_null();
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("s", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![Some("in"), None])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("b", DataType::Boolean, true)),
            Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef,
        ),
    ]);
    let dictionary: DictionaryArray<Int32Type> = vec![Some("red"), None].into_iter().collect();
    let nothing: DictionaryArray<Int32Type> = vec![None::<&str>, None].into_iter().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("i", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("small", Arc::new(Int8Array::from(vec![-1, 1]))),
        ("u", Arc::new(UInt64Array::from(vec![1, u64::MAX]))),
        (
            "f",
            Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY])),
        ),
        ("yes", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("s", Arc::new(StringArray::from(vec![Some("ü"), None]))),
        ("large", Arc::new(LargeStringArray::from(vec!["a", ""]))),
        (
            "view",
            Arc::new(StringViewArray::from(vec!["a view of some length", "b"])),
        ),
        (
            "blob",
            Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\0\xff"), None])),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None]))),
        (
            "at",
            Arc::new(TimestampMillisecondArray::from(vec![1, -1]).with_timezone("Europe/Rome")),
        ),
        (
            "time",
            Arc::new(Time64MicrosecondArray::from(vec![0, 3_661_000_001])),
        ),
        (
            "money",
            Arc::new(
                Decimal128Array::from(vec![Some(12_345), None])
                    .with_precision_and_scale(9, 2)
                    .unwrap(),
            ),
        ),
        ("colour", Arc::new(dictionary)),
        ("nothing", Arc::new(nothing)),
        ("list", Arc::new(lists.finish())),
        ("record", Arc::new(structs)),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

fn write_parquet(path: &Path, batch: &RecordBatch, compression: Compression) {
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_compression(compression)
        .build();
    let file = File::create(path).unwrap();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn write_arrow(path: &Path, batch: &RecordBatch, compression: Option<arrow_ipc::CompressionType>) {
    let options = arrow_ipc::writer::IpcWriteOptions::default()
        .try_with_compression(compression)
        .unwrap();
    let file = File::create(path).unwrap();
    let mut writer =
        arrow_ipc::writer::FileWriter::try_new_with_options(file, &batch.schema(), options)
            .unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
}

#[tokio::test]
async fn parquet_and_arrow_files_hold_the_same_table() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let batch = batch();
    write_parquet(&at("plain.parquet"), &batch, Compression::UNCOMPRESSED);
    write_parquet(&at("snappy.parquet"), &batch, Compression::SNAPPY);
    write_parquet(
        &at("zstd.parquet"),
        &batch,
        Compression::ZSTD(ZstdLevel::default()),
    );
    write_parquet(
        &at("gzip.parquet"),
        &batch,
        Compression::GZIP(Default::default()),
    );
    write_arrow(&at("file.arrow"), &batch, None);
    write_arrow(
        &at("lz4.feather"),
        &batch,
        Some(arrow_ipc::CompressionType::LZ4_FRAME),
    );
    write_arrow(
        &at("zstd2.feather"),
        &batch,
        Some(arrow_ipc::CompressionType::ZSTD),
    );
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(
        File::create(at("stream.arrows")).unwrap(),
        &batch.schema(),
    )
    .unwrap();
    stream.write(&batch).unwrap();
    stream.finish().unwrap();
    drop(stream);
    let toolbox = over(directory, SqlLimits::default());
    for table in [
        "plain", "snappy", "zstd", "gzip", "file", "lz4", "zstd2", "stream",
    ] {
        let found = toolbox.table(&format!("SELECT * FROM {table}")).await;
        assert_eq!(
            found.types(),
            [
                "i: int64",
                "small: int64",
                "u: text",
                "f: float64",
                "yes: bool",
                "s: text",
                "large: text",
                "view: text",
                "blob: bytes",
                "day: date",
                "at: timestamp",
                "time: text",
                "money: float64",
                "colour: text",
                "nothing: text",
                "list: text",
                "record: text"
            ],
            "{table}"
        );
        assert_eq!(found.columns[10].zone.as_deref(), Some("UTC"));
        assert_eq!(
            found.rows(),
            [
                json!([
                    i64::MIN,
                    -1,
                    "1",
                    null,
                    true,
                    "ü",
                    "a",
                    "a view of some length",
                    [0, 255],
                    0,
                    1000,
                    "00:00:00",
                    123.45,
                    "red",
                    null,
                    "[1,null]",
                    "{\"s\":\"in\",\"b\":true}"
                ]),
                json!([
                    null,
                    1,
                    u64::MAX.to_string(),
                    "inf",
                    null,
                    null,
                    "",
                    "b",
                    null,
                    null,
                    -1000,
                    "01:01:01.000001",
                    null,
                    null,
                    null,
                    null,
                    "{\"s\":null,\"b\":false}"
                ]),
            ]
            .map(|row| row.as_array().unwrap().clone()),
            "{table}"
        );
    }
}

#[tokio::test]
async fn damaged_parquet_and_arrow_files_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    write_parquet(&path, &batch(), Compression::SNAPPY);
    let parquet = std::fs::read(&path).unwrap();
    let mut files = vec![(parquet, "p.parquet")];
    for compression in [
        None,
        Some(arrow_ipc::CompressionType::LZ4_FRAME),
        Some(arrow_ipc::CompressionType::ZSTD),
    ] {
        write_arrow(&path, &batch(), compression);
        files.push((std::fs::read(&path).unwrap(), "p.arrow"));
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(directory.path().join("good.csv"), "a\n1\n").unwrap();
    let toolbox = over(directory, SqlLimits::default());
    for (whole, name) in files {
        let path = toolbox.directory.path().join(name);
        for at in (0..whole.len()).step_by(whole.len() / 100) {
            let mut content = whole.clone();
            content[at] ^= 0xff;
            std::fs::write(&path, content).unwrap();
            if let Err(error) = toolbox
                .call("sql", json!({ "query": "SELECT * FROM p" }))
                .await
            {
                assert!(
                    ["OSError", "ValueError", "MemoryError"].contains(&error.class),
                    "{name} {at}: {error}"
                );
            }
            // Nothing is held that a later query would need.
            assert_eq!(toolbox.rows("SELECT a FROM good").await, [[json!(1)]]);
        }
        std::fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn lengths_that_an_arrow_file_states_are_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.arrow");
    let array: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5000));
    let batch = RecordBatch::try_from_iter([("x", array)]).unwrap();
    write_arrow(&path, &batch, Some(arrow_ipc::CompressionType::LZ4_FRAME));
    let whole = std::fs::read(&path).unwrap();
    let toolbox = over(directory, SqlLimits::default());
    let query = "SELECT count(*), max(x) FROM a";
    assert_eq!(toolbox.rows(query).await, [[json!(5000), json!(4999)]]);
    // The uncompressed length stands before the compressed bytes.
    let stated = 40_000_u64.to_le_bytes();
    let at = whole
        .windows(8)
        .position(|window| window == stated)
        .unwrap();
    for (length, class) in [
        (1_u64 << 45, "MemoryError"),
        ((512 << 20) + 1, "MemoryError"),
        (50_000, "ValueError"),
    ] {
        let mut content = whole.clone();
        content[at..at + 8].copy_from_slice(&length.to_le_bytes());
        std::fs::write(&path, content).unwrap();
        assert_eq!(toolbox.error(query).await.class, class, "{length}");
    }
}

/// Finds the bytes of a page header that the writer made, and changes them.
fn forged(whole: &[u8], found: &[u8], forged: &[u8]) -> Vec<u8> {
    let at = whole.windows(found.len()).position(|w| w == found);
    let at = at.unwrap_or_else(|| panic!("{found:x?} is not in the file"));
    let mut content = whole.to_vec();
    content.splice(at..at + found.len(), forged.iter().copied());
    content
}

fn write_encoded(path: &Path, batch: &RecordBatch, encoding: Option<parquet::basic::Encoding>) {
    let mut properties = parquet::file::properties::WriterProperties::builder()
        .set_dictionary_enabled(encoding.is_none())
        .set_compression(Compression::UNCOMPRESSED);
    if let Some(encoding) = encoding {
        properties = properties.set_encoding(encoding);
    }
    let file = File::create(path).unwrap();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(file, batch.schema(), Some(properties.build()))
            .unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// Thrift's form of an `i32`.
fn zigzag(value: i32) -> Vec<u8> {
    let mut left = ((value << 1) ^ (value >> 31)).cast_unsigned();
    let mut bytes = Vec::new();
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}

#[tokio::test]
async fn sizes_that_a_parquet_file_states_are_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    let toolbox = over(directory, SqlLimits::default());
    let query = "SELECT count(*), max(x) FROM a";
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..3000).map(|n| format!("text number {n}")),
    ));
    let texts = RecordBatch::try_from_iter([("x", texts)]).unwrap();
    let few: ArrayRef = Arc::new(Int64Array::from_iter_values((0..3000).map(|n| n % 7)));
    let few = RecordBatch::try_from_iter([("x", few)]).unwrap();

    // A page of the sizes A and B that says it has other ones.
    write_parquet(&path, &few, Compression::SNAPPY);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(toolbox.rows(query).await, [[json!(3000), json!(6)]]);
    // The dictionary page: type 2, 56 bytes plain; the packed size follows.
    let header = |plain: i32| [&[0x15, 0x04, 0x15][..], &zigzag(plain), &[0x15]].concat();
    for (plain, class) in [
        (i32::MAX, "MemoryError"),
        (-1, "ValueError"),
        (8, "ValueError"),
    ] {
        std::fs::write(&path, forged(&whole, &header(56), &header(plain))).unwrap();
        assert_eq!(toolbox.error(query).await.class, class, "{plain}");
    }
    // The values of the dictionary: 7, then any number.
    let values = |count: i32| [&[0x4c, 0x15][..], &zigzag(count), &[0x15]].concat();
    for count in [8, 1 << 20, i32::MAX] {
        std::fs::write(&path, forged(&whole, &values(7), &values(count))).unwrap();
        assert_eq!(toolbox.error(query).await.class, "ValueError", "{count}");
    }

    // Lists of lengths inside of pages that say they are longer.
    for encoding in [
        parquet::basic::Encoding::DELTA_LENGTH_BYTE_ARRAY,
        parquet::basic::Encoding::DELTA_BYTE_ARRAY,
    ] {
        write_encoded(&path, &texts, Some(encoding));
        let whole = std::fs::read(&path).unwrap();
        let expected = json!("text number 999");
        assert_eq!(toolbox.rows(query).await, [[json!(3000), expected]]);
        // 128 in a block, 4 rows of it, 3000 lengths in all.
        let start = [0x80, 0x01, 0x04];
        let lengths = |count: &[u8]| [&start[..], count].concat();
        for count in [
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40][..],
            &[0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0xb9, 0x17],
        ] {
            let content = forged(&whole, &lengths(&[0xb8, 0x17]), &lengths(count));
            std::fs::write(&path, content).unwrap();
            assert_eq!(toolbox.error(query).await.class, "ValueError", "{count:x?}");
        }
    }

    // A footer that says it is longer, and groups inside of groups.
    let mut content = whole.clone();
    let at = content.len() - 8;
    content[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    std::fs::write(&path, content).unwrap();
    assert_eq!(toolbox.error(query).await.class, "ValueError");
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    footer.extend([0x90, 0x4e]);
    // 10,000 groups of one child each, all called "g".
    footer.extend([0x48, 0x01, b'g', 0x15, 0x02, 0x00].repeat(10_000));
    footer.push(0);
    let mut content = b"PAR1".to_vec();
    content.extend(&footer);
    content.extend(u32::try_from(footer.len()).unwrap().to_le_bytes());
    content.extend(b"PAR1");
    std::fs::write(&path, content).unwrap();
    let error = toolbox.error(query).await;
    assert!(error.message.contains("nested"), "{error}");
}

/// Every byte of a file is something else, one after the other: the decoder is
/// other people's, and has assertions about what a file says.
#[test]
fn no_damage_to_a_parquet_file_makes_its_reader_panic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values([1, 2, 1]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("a")]));
    let batch = RecordBatch::try_from_iter([("x", numbers), ("y", texts)]).unwrap();
    for encoding in [None, Some(parquet::basic::Encoding::PLAIN)] {
        write_encoded(&path, &batch, encoding);
        assert!(memex_sql::read_frame(&path, 1 << 20).is_ok());
        let whole = std::fs::read(&path).unwrap();
        let mut refused = 0;
        for at in 0..whole.len() {
            // As numbers: -1, 0, -64, the encodings by a dictionary, and the
            // beginning of longer ones.
            for byte in [0x01, 0x00, 0x7f, 0x04, 0x10, 0x80, 0xff] {
                let mut content = whole.clone();
                content[at] = byte;
                std::fs::write(&path, content).unwrap();
                refused += usize::from(memex_sql::read_frame(&path, 1 << 20).is_err());
            }
        }
        assert!(refused > 100, "{refused}");
    }
}

/// A value that stands once in the file and in every row of the table.
#[tokio::test]
async fn a_long_value_of_every_row_is_decoded_a_few_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    let long = "x".repeat(1 << 19);
    let rows = std::iter::repeat_n(long.as_str(), 400);
    let texts: ArrayRef = Arc::new(LargeStringArray::from_iter_values(rows));
    let texts = RecordBatch::try_from_iter([("x", texts)]).unwrap();
    write_encoded(&path, &texts, None);
    assert!(std::fs::metadata(&path).unwrap().len() < 2 << 20);
    let query = "SELECT count(*), max(length(x)) FROM a";
    let toolbox = over(directory, SqlLimits::default());
    assert_eq!(toolbox.rows(query).await, [[json!(400), json!(1 << 19)]]);
    let texts = std::iter::repeat_n(long.as_str(), 4000);
    let texts: ArrayRef = Arc::new(LargeStringArray::from_iter_values(texts));
    let texts = RecordBatch::try_from_iter([("x", texts)]).unwrap();
    write_encoded(&path, &texts, None);
    assert_eq!(toolbox.error(query).await.class, "MemoryError");
}

#[tokio::test]
async fn a_column_of_no_sql_type_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let array: ArrayRef = Arc::new(IntervalDayTimeArray::from(vec![None]));
    let batch = RecordBatch::try_from_iter_with_nullable([("gap", array, true)]).unwrap();
    write_arrow(&directory.path().join("a.arrow"), &batch, None);
    let toolbox = over(directory, SqlLimits::default());
    let error = toolbox.error("SELECT * FROM a").await;
    assert!(
        error
            .message
            .contains("the column \"gap\" is of type Interval"),
        "{error}"
    );
}
