//! Classes that functions need: records and enums.

use super::text;
use super::types::Type;
use std::fmt::Write;

/// A class defined beside a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Class {
    Record(Record),
    Enum(Enum),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) json_name: String,
    pub(super) description: String,
    pub(super) kind: Type,
    pub(super) required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Enum {
    pub(super) name: String,
    pub(super) description: String,
    /// Names and values.
    pub(super) members: Vec<(String, String)>,
}

impl Class {
    /// The definition, with a docstring.
    pub(super) fn full(&self) -> String {
        let (name, base) = self.head();
        let mut full = format!("class {name}({base}):\n");
        let doc = self.doc();
        if !doc.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(full, "    {}", text::docstring(&doc, "    "));
        }
        let lines = self.lines();
        if lines.is_empty() && doc.is_empty() {
            full.push_str("    pass\n");
        }
        for line in lines {
            let _ = writeln!(full, "    {line}");
        }
        full
    }

    /// The definition on one line.
    pub(super) fn compact(&self) -> String {
        let (name, base) = self.head();
        let lines = self.lines();
        let body = match lines.is_empty() {
            true => "...".to_owned(),
            false => lines.join("; "),
        };
        format!("class {name}({base}): {body}\n")
    }

    /// The definition on one line, and what is said of it and its fields on lines below.
    pub(super) fn described(&self) -> String {
        let mut text = self.compact();
        match self {
            Class::Enum(choice) => push_comment(&mut text, "", &choice.description),
            Class::Record(record) => {
                push_comment(&mut text, "", &record.description);
                for field in &record.fields {
                    push_comment(&mut text, &field.name, &field.description);
                }
            }
        }
        text
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.head().0
    }

    fn head(&self) -> (&str, &'static str) {
        match self {
            Class::Record(record) => (&record.name, "Record"),
            Class::Enum(choice) => (&choice.name, "Enum"),
        }
    }

    fn doc(&self) -> String {
        match self {
            Class::Enum(choice) => choice.description.clone(),
            Class::Record(record) => {
                let fields = record.fields.iter();
                let told = fields.map(|field| (field.name.as_str(), field.description.as_str()));
                let mut doc = record.description.clone();
                section(&mut doc, "Attributes", told);
                doc
            }
        }
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Class::Enum(choice) => {
                let members = choice.members.iter();
                let line =
                    |(name, value): &(String, String)| format!("{name} = {}", text::literal(value));
                members.map(line).collect()
            }
            Class::Record(record) => record.fields.iter().map(Field::line).collect(),
        }
    }
}

impl Field {
    fn line(&self) -> String {
        let Self {
            name,
            json_name,
            kind,
            ..
        } = self;
        let default = match (name == json_name, self.required) {
            (true, true) => String::new(),
            (true, false) => " = None".to_owned(),
            (false, true) => format!(" = field({})", text::literal(json_name)),
            (false, false) => format!(" = field({}, None)", text::literal(json_name)),
        };
        format!("{name}: {kind}{default}")
    }
}

/// Adds a comment below a definition, on one line, if there is something to say.
pub(super) fn push_comment(text: &mut String, name: &str, description: &str) {
    let said = text::one_line(description);
    if said.is_empty() {
        return;
    }
    let gap = if name.is_empty() { "" } else { ": " };
    let _ = writeln!(text, "    # {name}{gap}{said}");
}

/// Adds a section of names and descriptions, if there are any.
pub(super) fn section<'a>(
    doc: &mut String,
    title: &str,
    entries: impl Iterator<Item = (&'a str, &'a str)>,
) {
    let mut started = false;
    for (name, description) in entries.filter(|(_, description)| !description.is_empty()) {
        if !started {
            let gap = if doc.is_empty() { "" } else { "\n\n" };
            let _ = write!(doc, "{gap}{title}:");
            started = true;
        }
        let description: Vec<&str> = description.split_whitespace().collect();
        let _ = write!(doc, "\n    {name}: {}", description.join(" "));
    }
}
