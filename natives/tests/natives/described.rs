//! Files whose columns are described in few bytes and take many, and columns that say a
//! thing once and mean it many times.

use super::{WIDE, call, call_within, part};
use arrow_array::builder::{ListBuilder, NullBuilder, StringViewBuilder};
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Int8Array, Int32Array, RecordBatch, RunArray, StringArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{Field, Schema};
use base64::Engine as _;
use memex_natives::{Bounds, Refusal};
use serde_json::{Value, json};
use std::sync::Arc;

/// Room for a few megabytes of columns.
const NARROW: Bounds = Bounds {
    bytes_max: 64 << 20,
    working_bytes_max: 64 << 20,
    work_max: None,
};

fn plain() -> Value {
    json!({"name": "arrow.plain"})
}

fn reading() -> Value {
    json!({"name": "parquet.read", "columns": null})
}

fn writing(dictionary: bool) -> Value {
    json!({
        "name": "parquet.write", "compression": "none", "level": null,
        "group_rows": 1 << 20, "dictionary": dictionary,
    })
}

fn is_too_much(request: &Value, file: &[u8], bounds: Bounds) -> bool {
    match call_within(bounds, request, &[file]) {
        Ok(_) => false,
        Err(Refusal::WorkingBytes { .. }) => true,
        Err(other) => panic!("{request}: {other}"),
    }
}

/// A message of Arrow: a schema of `count` columns of nothing, all of which are one
/// description, with a name of `length` bytes. A decoder makes each of its own.
fn message(count: usize, length: usize) -> Vec<u8> {
    struct Buffer(Vec<u8>);
    impl Buffer {
        fn words(&mut self, words: &[u32]) -> usize {
            self.0.resize(self.0.len().next_multiple_of(4), 0);
            let at = self.0.len();
            for word in words {
                self.0.extend(word.to_le_bytes());
            }
            at
        }
        fn halves(&mut self, halves: &[u16]) -> usize {
            self.words(&[]);
            let at = self.0.len();
            for half in halves {
                self.0.extend(half.to_le_bytes());
            }
            at
        }
        fn refer(&mut self, at: usize, to: usize) {
            self.0[at..at + 4].copy_from_slice(&((to - at) as u32).to_le_bytes());
        }
    }
    let mut buffer = Buffer(Vec::new());
    buffer.words(&[0, 0]);
    // Where fields of tables are: version, kind, header and length of the message; fields
    // of the schema; name, kind and type of the column.
    let of_message = buffer.halves(&[12, 24, 4, 6, 8, 16]);
    let of_schema = buffer.halves(&[8, 12, 4, 8]);
    let of_column = buffer.halves(&[12, 20, 4, 0, 16, 8]);
    let of_nothing = buffer.halves(&[4, 4]);
    buffer.0.resize(buffer.0.len().next_multiple_of(8), 0);
    let message = buffer.words(&[0, 4 | 1 << 16, 0, 0, 0, 0]);
    buffer.refer(0, message);
    let schema = buffer.words(&[0, 0, 0]);
    buffer.refer(message + 8, schema);
    let fields = buffer.words(&[count as u32]);
    buffer.refer(schema + 8, fields);
    let places = buffer.0.len();
    buffer.0.resize(places + 4 * count, 0);
    let column = buffer.words(&[0, 0, 0, 0, 1]);
    for number in 0..count {
        buffer.refer(places + 4 * number, column);
    }
    let nothing = buffer.words(&[0]);
    buffer.refer(column + 8, nothing);
    let name = buffer.words(&[length as u32]);
    buffer.refer(column + 4, name);
    buffer.0.resize(buffer.0.len() + length, b'a');
    buffer.0.push(0);
    buffer.0.resize(buffer.0.len().next_multiple_of(8), 0);
    for (table, fields) in [
        (message, of_message),
        (schema, of_schema),
        (column, of_column),
        (nothing, of_nothing),
    ] {
        let back = (table - fields) as u32;
        buffer.0[table..table + 4].copy_from_slice(&back.to_le_bytes());
    }
    let head = [[0xff; 4], (buffer.0.len() as u32).to_le_bytes()];
    [head.concat(), buffer.0].concat()
}

fn stream(count: usize, length: usize) -> Vec<u8> {
    [message(count, length), vec![0xff; 4], vec![0; 4]].concat()
}

#[test]
fn columns_that_share_one_description_are_paid_for_one_by_one() {
    for (count, length) in [(200, 1 << 20), (100_000, 1)] {
        let bomb = stream(count, length);
        assert!(bomb.len() < 2 << 20);
        assert!(is_too_much(&plain(), &bomb, NARROW), "{count} of {length}");
        assert!(is_too_much(&writing(true), &bomb, NARROW));
    }
    for (count, length) in [(2, 1 << 20), (100, 1)] {
        let harmless = stream(count, length);
        assert!(
            !is_too_much(&plain(), &harmless, NARROW),
            "{count} of {length}"
        );
    }
    assert!(!is_too_much(&writing(true), &stream(100, 1), NARROW));
}

/// Thrift's compact protocol, as far as footers need it.
fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn number(value: usize) -> Vec<u8> {
    varint(2 * value)
}

fn text(text: &[u8]) -> Vec<u8> {
    [&varint(text.len()), text].concat()
}

fn list(kind: u8, items: &[Vec<u8>]) -> Vec<u8> {
    [vec![0xf0 | kind], varint(items.len()), items.concat()].concat()
}

/// A struct of fields: how far behind the one before with its kind, and its bytes.
fn fields(fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (head, field) in fields {
        bytes.push(*head);
        bytes.extend(field);
    }
    bytes.push(0);
    bytes
}

/// A Parquet file: what stands before the footer, a schema, rows and notes.
fn parquet(body: &[u8], schema: &[Vec<u8>], groups: &[Vec<u8>], notes: &[(&str, &str)]) -> Vec<u8> {
    let note = |(key, value): &(&str, &str)| {
        fields(&[(0x18, text(key.as_bytes())), (0x18, text(value.as_bytes()))])
    };
    let notes: Vec<Vec<u8>> = notes.iter().map(note).collect();
    let footer = fields(&[
        (0x15, number(1)),
        (0x19, list(12, schema)),
        (0x16, number(groups.len())),
        (0x19, list(12, groups)),
        (0x19, list(12, &notes)),
    ]);
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", body, &footer, &length, b"PAR1"].concat()
}

fn group(name: &str, children: usize) -> Vec<u8> {
    fields(&[
        (0x35, number(0)),
        (0x18, text(name.as_bytes())),
        (0x15, number(children)),
    ])
}

fn leaf(name: &str) -> Vec<u8> {
    fields(&[
        (0x15, number(1)),
        (0x25, number(0)),
        (0x18, text(name.as_bytes())),
    ])
}

/// Groups, one in the other, the innermost with a long name; and leaves in it.
fn nested(groups: usize, name: usize, leaves: usize) -> Vec<u8> {
    let mut schema = vec![group("s", 1)];
    schema.extend((1..groups).map(|_| group("g", 1)));
    schema.push(group(&"g".repeat(name), leaves));
    schema.extend((0..leaves).map(|number| leaf(&number.to_string())));
    parquet(&[], &schema, &[], &[])
}

#[test]
fn leaves_pay_for_the_groups_around_them() {
    for (groups, name, leaves) in [(1, 100_000, 5_000), (60, 1, 20_000), (1, 1, 100_000)] {
        let bomb = nested(groups, name, leaves);
        assert!(bomb.len() < 2 << 20);
        let told = format!("{groups} {name} {leaves}");
        assert!(is_too_much(&reading(), &bomb, NARROW), "{told}");
    }
    for (groups, name, leaves) in [(1, 100_000, 2), (60, 1, 10), (1, 1, 1_000)] {
        assert!(!is_too_much(
            &reading(),
            &nested(groups, name, leaves),
            NARROW
        ));
    }
}

#[test]
fn a_schema_that_a_parquet_file_notes_is_paid_for_too() {
    let noted = |count, length| {
        let schema = base64::engine::general_purpose::STANDARD.encode(message(count, length));
        let columns: Vec<Vec<u8>> = (0..count).map(|_| leaf("a")).collect();
        let schema_of = [vec![group("s", count)], columns].concat();
        parquet(&[], &schema_of, &[], &[("ARROW:schema", &schema)])
    };
    assert!(is_too_much(&reading(), &noted(100, 200_000), NARROW));
    let harmless = call_within(NARROW, &reading(), &[&noted(100, 2)]);
    // What it notes is read, and contradicts the columns.
    assert!(
        !matches!(harmless, Err(Refusal::WorkingBytes { .. })),
        "{harmless:?}"
    );
}

/// Columns of one value that is not there, and would have so many bytes.
fn absent(columns: usize, width: usize) -> Vec<u8> {
    // The depth of one value, in a run: not there.
    let page = [2, 0, 0, 0, 2, 0];
    let data = fields(&[
        (0x15, number(1)),
        (0x15, number(0)),
        (0x15, number(3)),
        (0x15, number(3)),
    ]);
    let header = fields(&[
        (0x15, number(0)),
        (0x15, number(page.len())),
        (0x15, number(page.len())),
        (0x2c, data),
    ]);
    let whole = [&header[..], &page].concat();
    let chunk = |column: usize| {
        let place = 4 + column * whole.len();
        let described = fields(&[
            (0x15, number(7)),
            (0x19, list(5, &[number(0)])),
            (0x19, list(8, &[text(column.to_string().as_bytes())])),
            (0x15, number(0)),
            (0x16, number(1)),
            (0x16, number(whole.len())),
            (0x16, number(whole.len())),
            (0x26, number(place)),
        ]);
        fields(&[(0x26, number(place)), (0x1c, described)])
    };
    let chunks: Vec<Vec<u8>> = (0..columns).map(chunk).collect();
    let group_of_rows = fields(&[
        (0x19, list(12, &chunks)),
        (0x16, number(columns * whole.len())),
        (0x16, number(1)),
    ]);
    let fixed = |column: usize| {
        fields(&[
            (0x15, number(7)),
            (0x15, number(width)),
            (0x15, number(1)),
            (0x18, text(column.to_string().as_bytes())),
        ])
    };
    let mut schema = vec![group("s", columns)];
    schema.extend((0..columns).map(fixed));
    parquet(&whole.repeat(columns), &schema, &[group_of_rows], &[])
}

#[test]
fn values_that_are_not_there_are_paid_for_at_their_length() {
    for (columns, width) in [(12, 60 << 20), (1, 60 << 20)] {
        let bomb = absent(columns, width);
        assert!(bomb.len() < 2 << 10);
        assert!(
            is_too_much(&reading(), &bomb, NARROW),
            "{columns} of {width}"
        );
    }
    // As much as any session may have is too much at once, too.
    assert!(is_too_much(&reading(), &absent(12, 60 << 20), WIDE));
    assert!(!is_too_much(&reading(), &absent(12, 1 << 10), NARROW));
}

fn stream_of(column: ArrayRef) -> Vec<u8> {
    let field = Field::new("a", column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    stream
}

/// Rows that are one text, which stands there once.
fn views(rows: usize, length: usize) -> Vec<u8> {
    let mut builder = StringViewBuilder::new();
    let block = builder.append_block("x".repeat(length).into_bytes().into());
    for _ in 0..rows {
        builder.try_append_view(block, 0, length as u32).unwrap();
    }
    stream_of(Arc::new(builder.finish()))
}

fn keys(rows: usize, length: usize) -> Vec<u8> {
    let values = Arc::new(StringArray::from(vec!["x".repeat(length)]));
    let keys = Int8Array::from(vec![0; rows]);
    stream_of(Arc::new(DictionaryArray::<Int8Type>::new(keys, values)))
}

/// Lists of nothing.
fn nothings(count: usize) -> Vec<u8> {
    let mut builder = ListBuilder::new(NullBuilder::new());
    builder.values().append_nulls(count);
    builder.append(true);
    stream_of(Arc::new(builder.finish()))
}

#[test]
fn rows_are_written_in_pieces_of_what_they_mean() {
    for bomb in [
        views(1_000, 1_000_000),
        keys(1_000, 1_000_000),
        nothings(1 << 26),
    ] {
        assert!(bomb.len() < 2 << 20);
        assert!(is_too_much(&writing(false), &bomb, NARROW));
        // The stream is what it was: it means as little as it says.
        assert!(!is_too_much(&plain(), &bomb, NARROW));
    }
    for harmless in [views(4, 1_000_000), keys(4, 1_000_000), nothings(1_000)] {
        assert!(!is_too_much(&writing(false), &harmless, NARROW));
    }
    // More than one piece, and no more than fits.
    for stream in [views(300_000, 100), keys(300_000, 100)] {
        let file = part(call(&writing(true), &[&stream]).unwrap());
        let again = part(call(&reading(), &[&file]).unwrap());
        let rows: usize = super::columns::batches_of(&again)
            .iter()
            .map(RecordBatch::num_rows)
            .sum();
        assert_eq!(rows, 300_000);
    }
    let ends = Int32Array::from(vec![1_000_000]);
    let runs = RunArray::<Int32Type>::try_new(&ends, &StringArray::from(vec!["x"])).unwrap();
    let refusal = call(&writing(false), &[&stream_of(Arc::new(runs))]).unwrap_err();
    assert!(matches!(refusal, Refusal::Unsupported(_)), "{refusal}");
}
