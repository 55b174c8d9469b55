//! Inputs in the space `tools`, where no scope holds them: tools that list, read and query them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use memex_host_tools::{
    Arguments, CallContext, NoArguments, Tool, ToolError, ToolFuture, ToolSpec, immediate,
};
use memex_sql::{DataFiles, Databases, is_folder_of_tables};
use schemars::JsonSchema;
use serde::Deserialize;

use super::input::{Content, Input, InputSource, Objects, Served};
use super::loaded::{Loaded, read};
use super::record::{RecordedInput, recorded};
use crate::Error;

/// Characters of a reading that does not say how many.
const READ_CHARS: usize = 8_000;
/// Characters of one reading.
const READ_MAX_CHARS: usize = 100_000;
/// Files of a folder that an error names.
const NAMED_MAX: usize = 10;

/// An input that is text.
enum Text {
    One(String),
    /// By path.
    Folder(BTreeMap<String, String>),
}

#[derive(Deserialize, JsonSchema)]
struct Reading {
    /// The input, as `list_inputs` names it.
    name: String,
    /// The file, if the input is a folder of texts.
    #[serde(default)]
    path: Option<String>,
    /// The character to begin at, from 0.
    #[serde(default)]
    offset: usize,
    /// How many characters: 8,000 if it is left out, at most 100,000.
    #[serde(default)]
    chars: Option<usize>,
}

/// Inputs as tools.
pub(crate) fn serve(inputs: &[Input]) -> Result<Loaded, Error> {
    serve_read(inputs.iter().map(|input| Ok((input, read(input)?))))
}

/// Those of a run that is taken up, which have to be what they were.
pub(crate) fn serve_again(recorded: &[RecordedInput]) -> Result<Loaded, Error> {
    serve_read(recorded.iter().map(|one| {
        one.check_source()?;
        let content = read(&one.input)?;
        one.check_content(&content)?;
        Ok((&one.input, content))
    }))
}

fn serve_read<'a>(
    inputs: impl Iterator<Item = Result<(&'a Input, Content), Error>>,
) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    let mut texts = BTreeMap::new();
    let mut databases = Databases::builder();
    let mut has_tables = false;
    for input in inputs {
        let (input, content) = input?;
        let name = &input.name;
        loaded.recorded.push(recorded(input, &content));
        loaded.described.push(format!("{name}: {}", content.told));
        let notes = content.notes.iter();
        loaded
            .notes
            .extend(notes.map(|note| format!("{name}: read {note}")));
        let is_new = match (&input.source, content.objects) {
            (InputSource::Path(path), _) if is_tables(path) => {
                databases = databases.path(name, path);
                has_tables = true;
                !texts.contains_key(name)
            }
            (_, Objects::One { kind, bytes }) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                texts.insert(name.clone(), text_of(kind, text)).is_none()
            }
            (_, Objects::Tables(_)) => true,
        };
        if !is_new {
            return Err(input.wrong("there are two inputs of this name"));
        }
    }
    if loaded.recorded.is_empty() {
        return Ok(loaded);
    }
    let described = loaded.described.clone();
    let mut tools: Vec<Arc<dyn Tool>> = vec![Arc::new(immediate(
        "list_inputs",
        "Names the inputs of the task, and says what each is.",
        move |_, NoArguments {}| Ok(described.clone()),
    ))];
    if !texts.is_empty() {
        tools.push(Arc::new(immediate(
            "read_input",
            "A piece of an input that is text or JSON.",
            move |_, asked: Reading| piece(&texts, &asked),
        )));
    }
    if has_tables {
        let wrong = |error: memex_sql::DatabasesError| Error::Format {
            place: "the inputs".to_owned(),
            what: error.to_string(),
        };
        let databases = databases.build().map_err(wrong)?;
        tools.extend(databases.tools().into_iter().filter_map(renamed));
    }
    loaded.served = Served(tools);
    Ok(loaded)
}

/// Whether a file or a folder is read as tables.
fn is_tables(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_json = ending.is_some_and(|ending| {
        ["json", "jsonl", "ndjson"].contains(&ending.to_ascii_lowercase().as_str())
    });
    match path.is_dir() {
        true => is_folder_of_tables(path),
        false => !is_json && DataFiles::names_format(path),
    }
}

fn text_of(kind: &str, text: String) -> Text {
    let folder: Option<BTreeMap<String, String>> = match kind {
        "json" => serde_json::from_str(&text).ok(),
        _ => None,
    };
    match folder {
        Some(files) if !files.is_empty() => Text::Folder(files),
        _ => Text::One(text),
    }
}

fn piece(texts: &BTreeMap<String, Text>, asked: &Reading) -> Result<String, ToolError> {
    let missing = |what: String| ToolError::new("FileNotFoundError", format!("read_input: {what}"));
    let text = match (texts.get(&asked.name), &asked.path) {
        (Some(Text::One(text)), _) => text,
        (Some(Text::Folder(files)), Some(path)) => files.get(path).ok_or_else(|| {
            missing(format!(
                "{} has no file {path:?}; {}",
                asked.name,
                named(files)
            ))
        })?,
        (Some(Text::Folder(files)), None) => {
            return Err(ToolError::new(
                "TypeError",
                format!(
                    "read_input: {} is a folder; give a path: {}",
                    asked.name,
                    named(files)
                ),
            ));
        }
        (None, _) => {
            let names: Vec<&str> = texts.keys().map(String::as_str).collect();
            return Err(missing(format!(
                "there is no text {:?}; there are {}",
                asked.name,
                names.join(", ")
            )));
        }
    };
    let total = text.chars().count();
    let length = asked.chars.unwrap_or(READ_CHARS).clamp(1, READ_MAX_CHARS);
    let shown: String = text.chars().skip(asked.offset).take(length).collect();
    let end = asked.offset.saturating_add(shown.chars().count());
    Ok(match asked.offset == 0 && end >= total {
        true => shown,
        false => format!("{shown}\n(characters {} to {end} of {total})", asked.offset),
    })
}

fn named(files: &BTreeMap<String, String>) -> String {
    let some: Vec<&str> = files.keys().take(NAMED_MAX).map(String::as_str).collect();
    let more = if files.len() > NAMED_MAX { ", …" } else { "" };
    format!("it has {}{more}", some.join(", "))
}

/// A tool of databases under the name that it has for inputs.
fn renamed(tool: Arc<dyn Tool>) -> Option<Arc<dyn Tool>> {
    let (name, description) = match tool.spec().name.as_str() {
        "sql" => (
            "query_input",
            "Runs one SQL statement over the inputs that are tables. ",
        ),
        "list_tables" => ("list_input_tables", "The tables among the inputs. "),
        "describe_table" => ("describe_input_table", "A table of an input. "),
        _ => return None,
    };
    let spec = ToolSpec {
        name: name.to_owned(),
        description: format!("{description}{}", tool.spec().description),
        ..tool.spec().clone()
    };
    Some(Arc::new(Renamed { tool, spec }))
}

struct Renamed {
    tool: Arc<dyn Tool>,
    spec: ToolSpec,
}

impl Tool for Renamed {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        self.tool.call(context, arguments)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use serde_json::{Value, json};
    use std::time::Instant;

    fn call(loaded: &Loaded, name: &str, arguments: Value) -> Result<Value, ToolError> {
        let tool = loaded.served.0.iter().find(|tool| tool.spec().name == name);
        let context = CallContext {
            session: "s".into(),
            deadline: Instant::now(),
            cancelled: tokio_util::sync::CancellationToken::new(),
        };
        let arguments = Arguments {
            json: arguments.as_object().unwrap().clone(),
            parts: Vec::new(),
        };
        let called = tool.unwrap().call(context, arguments).now_or_never();
        called.unwrap().map(|answer| answer.json)
    }

    #[test]
    fn inputs_are_listed_and_read_in_pieces() {
        let root = tempfile::tempdir().unwrap();
        let docs = root.path().join("docs");
        std::fs::create_dir(&docs).unwrap();
        std::fs::write(docs.join("a.md"), "alpha").unwrap();
        std::fs::write(docs.join("b.md"), "é".repeat(10_000)).unwrap();
        std::fs::write(root.path().join("t.csv"), "k,v\nx,1\ny,2\n").unwrap();
        let inputs = [
            Input::new("docs", &docs).unwrap(),
            Input::value("numbers", json!([1, 2])).unwrap(),
            Input::new("t", root.path().join("t.csv")).unwrap(),
        ];
        let loaded = serve(&inputs).unwrap();
        let names: Vec<&str> = loaded
            .served
            .0
            .iter()
            .map(|tool| tool.spec().name.as_str())
            .collect();
        let all = [
            "list_inputs",
            "read_input",
            "query_input",
            "list_input_tables",
            "describe_input_table",
        ];
        assert_eq!(names, all);
        let listed = call(&loaded, "list_inputs", json!({})).unwrap();
        assert!(
            listed[0]
                .as_str()
                .unwrap()
                .starts_with("docs: dict[str, str] of 2 files")
        );
        let read = |arguments: Value| call(&loaded, "read_input", arguments);
        assert_eq!(
            read(json!({ "name": "docs", "path": "a.md" })).unwrap(),
            "alpha"
        );
        assert_eq!(read(json!({ "name": "numbers" })).unwrap(), "[1,2]");
        let piece = read(json!({ "name": "docs", "path": "b.md", "offset": 9_998, "chars": 50 }));
        assert_eq!(piece.unwrap(), "éé\n(characters 9998 to 10000 of 10000)");
        let first = read(json!({ "name": "docs", "path": "b.md" })).unwrap();
        assert!(
            first
                .as_str()
                .unwrap()
                .ends_with("(characters 0 to 8000 of 10000)")
        );
        for (wrong, what) in [
            (json!({ "name": "docs" }), "give a path: it has a.md, b.md"),
            (json!({ "name": "docs", "path": "c.md" }), "has no file"),
            (json!({ "name": "else" }), "there is no text"),
        ] {
            assert!(read(wrong).unwrap_err().message.contains(what), "{what}");
        }
        let twice = [inputs[0].clone(), inputs[0].clone()];
        assert!(
            serve(&twice)
                .unwrap_err()
                .to_string()
                .contains("two inputs of this name")
        );
        assert!(serve(&[]).unwrap().served.0.is_empty());
    }
}
