//! A table among the arguments of a call: what is accepted has as many values in
//! each column as it says, and is written as a table that reads the same.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use memex_channel::Frame;
use memex_host_tools::{Answer, Table};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(frame) = Frame::decode(bytes) else {
        return;
    };
    let Ok(value) = serde_json::from_slice::<Value>(frame.head) else {
        return;
    };
    let parts: Vec<Bytes> = frame
        .parts
        .iter()
        .map(|part| Bytes::copy_from_slice(part))
        .collect();
    let Ok(table) = Table::decode(&value, &parts) else {
        return;
    };
    for column in table.columns() {
        let rows = [
            column.read_text().map(Iterator::count),
            column.read_binary().map(Iterator::count),
            column.read_numbers::<i64>().map(Iterator::count),
            column.read_numbers::<i32>().map(Iterator::count),
            column.read_numbers::<f64>().map(Iterator::count),
            column.read_numbers::<u8>().map(Iterator::count),
            column.read_json().map(<[Value]>::len),
        ];
        for count in rows.into_iter().flatten() {
            assert_eq!(count, table.rows());
        }
    }
    let rows = table.rows();
    let answer = Answer::from(table);
    let parts: Vec<Bytes> = answer.parts.into_iter().map(Bytes::from).collect();
    let again = Table::decode(&answer.json, &parts).expect("a table that was written reads");
    assert_eq!(again.rows(), rows);
});
