//! One file, as an object.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use memex_sql::{DataFiles, plain_json};
use memex_trajectories::formats::{Format, detect};

use super::input::{Content, INPUTS_MAX_BYTES, Input};
use super::kinds::Kind;
use super::{runs, tables};
use crate::Error;

/// What is looked at to tell text from other content.
const HEAD_BYTES: usize = 64 << 10;
const TOO_LARGE: &str = "it is over 2 GiB; mount its folder instead";

pub(super) fn read(input: &Input, path: &Path, size: u64) -> Result<Content, Error> {
    if size > INPUTS_MAX_BYTES {
        return Err(input.wrong(TOO_LARGE));
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    let ending = ending.map(str::to_ascii_lowercase).unwrap_or_default();
    match ending.as_str() {
        "jsonl" | "ndjson" => match runs::read(path) {
            Some(runs) => Ok(runs::content(runs)),
            None => lines(input, whole(input, path)?),
        },
        "json" => {
            if matches!(detect(path), Ok(Format::Atif))
                && let Some(runs) = runs::read(path)
            {
                return Ok(runs::content(runs));
            }
            json(input, whole(input, path)?)
        }
        _ if DataFiles::names_format(path) => tables::read(input, path),
        _ => text(input, whole(input, path)?),
    }
}

/// All of a file, which may be no regular one, or grow.
pub(super) fn whole(input: &Input, path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(INPUTS_MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| input.wrong(error))?;
    match bytes.len() as u64 > INPUTS_MAX_BYTES {
        true => Err(input.wrong(TOO_LARGE)),
        false => Ok(bytes),
    }
}

fn json(input: &Input, bytes: Vec<u8>) -> Result<Content, Error> {
    let (kind, bytes): (Kind, _) = match serde_json::from_slice(&bytes) {
        Ok(kind) => (kind, bytes),
        // As programs write it, it may have a mark of its encoding, or numbers that JSON has not.
        Err(error) => {
            let plain = plain_json(&bytes).map_err(|error| input.wrong(error))?;
            let kind = serde_json::from_slice(&plain).map_err(|_| input.wrong(error))?;
            (kind, plain)
        }
    };
    let told = format!("{kind} from JSON, {} bytes", bytes.len());
    Ok(Content::one("json", bytes, told))
}

fn lines(input: &Input, bytes: Vec<u8>) -> Result<Content, Error> {
    let (count, bytes) = match check_lines(input, &bytes) {
        Ok(count) => (count, bytes),
        Err(error) => {
            let plain = plain_json(&bytes).map_err(|error| input.wrong(error))?;
            let count = check_lines(input, &plain).map_err(|_| error)?;
            (count, plain)
        }
    };
    let told = format!("list[{count}] from JSON lines, {} bytes", bytes.len());
    Ok(Content::one("jsonl", bytes, told))
}

fn text(input: &Input, bytes: Vec<u8>) -> Result<Content, Error> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let bytes = error.as_bytes();
            let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
            let is_utf_16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
            match head.contains(&0) {
                true if is_utf_16 => utf_16(bytes),
                true => {
                    let what = "it is no text, and of no format that is read; convert it, or give its folder to the code with --mount";
                    return Err(input.wrong(what));
                }
                false => String::from_utf8_lossy(bytes).into_owned(),
            }
        }
    };
    let told = format!("str of {} characters", text.chars().count());
    Ok(Content::one("text", text.into_bytes(), told))
}

/// Text in UTF-16 that begins with a byte order mark.
fn utf_16(bytes: &[u8]) -> String {
    let (mark, rest) = bytes.split_at(2);
    let units = rest.as_chunks::<2>().0.iter();
    let units: Vec<u16> = match mark {
        [0xff, _] => units.map(|pair| u16::from_le_bytes(*pair)).collect(),
        _ => units.map(|pair| u16::from_be_bytes(*pair)).collect(),
    };
    String::from_utf16_lossy(&units)
}

/// How many lines there are; each has to be JSON.
fn check_lines(input: &Input, bytes: &[u8]) -> Result<usize, Error> {
    let mut count = 0;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        serde_json::from_slice::<serde::de::IgnoredAny>(line)
            .map_err(|error| input.wrong(format!("line {number}: {error}")))?;
        count += 1;
    }
    Ok(count)
}
