//! The text of a Word document as Markdown.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::table::{Table, link};

/// The part of the archive that holds the text.
pub(super) const DOCUMENT: &str = "word/document.xml";
/// The part that holds the addresses of its links.
pub(super) const RELATIONS: &str = "word/_rels/document.xml.rels";

/// Addresses by the names that the text has for them.
pub(super) fn relations(xml: &str) -> HashMap<String, String> {
    let mut reader = Reader::from_str(xml);
    let mut found = HashMap::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                if let (Some(id), Some(target)) =
                    (attribute(&element, "Id"), attribute(&element, "Target"))
                {
                    found.insert(id, target);
                }
            }
            // What comes before the damage still holds.
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok().flatten()?;
    let value = String::from_utf8_lossy(&attribute.value).into_owned();
    Some(value.replace("&amp;", "&"))
}

/// The Markdown of `word/document.xml`, and its title if a paragraph has that
/// style. `relations` are the addresses of its links.
pub(super) fn markdown(
    xml: &str,
    relations: &HashMap<String, String>,
) -> Result<(String, Option<String>), String> {
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer::of(relations);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => writer.start(&element),
            Ok(Event::Empty(element)) => {
                writer.start(&element);
                writer.end(element.local_name().as_ref());
            }
            Ok(Event::End(element)) => writer.end(element.local_name().as_ref()),
            Ok(Event::Text(text)) if writer.in_text => {
                let text = text.decode().map_err(|error| error.to_string())?;
                writer.paragraph.push_str(&text);
            }
            Ok(Event::GeneralRef(reference)) if writer.in_text => {
                let named = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c),
                    _ => reference.decode().ok().as_deref().and_then(predefined),
                };
                writer.paragraph.extend(named);
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Err(format!("is no document that can be read: {error}")),
        }
    }
    writer.end_table();
    Ok((writer.out.trim().to_owned(), writer.title))
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

struct Writer<'r> {
    relations: &'r HashMap<String, String>,
    out: String,
    title: Option<String>,
    paragraph: String,
    style: String,
    is_item: bool,
    in_text: bool,
    /// The outermost table that is open; tables in it are text of its cells.
    table: Option<Table>,
    tables: usize,
    /// The link that is open: where its text begins in the paragraph, and its address.
    link: Option<(usize, String)>,
}

impl<'r> Writer<'r> {
    fn of(relations: &'r HashMap<String, String>) -> Self {
        Self {
            relations,
            out: String::new(),
            title: None,
            paragraph: String::new(),
            style: String::new(),
            is_item: false,
            in_text: false,
            table: None,
            tables: 0,
            link: None,
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            b"t" => self.in_text = true,
            b"tab" => self.paragraph.push(' '),
            b"br" | b"cr" => self.paragraph.push('\n'),
            b"pStyle" => {
                self.style = attribute(element, "w:val").unwrap_or_default();
            }
            b"numPr" => self.is_item = true,
            b"hyperlink" => {
                let address = attribute(element, "r:id").and_then(|id| self.relations.get(&id));
                self.link = address.map(|address| (self.paragraph.len(), address.clone()));
            }
            b"tbl" => {
                self.tables += 1;
                if self.tables == 1 {
                    self.table = Some(Table::behind(std::mem::take(&mut self.out)));
                }
            }
            b"tr" if self.tables == 1 => {
                if let Some(table) = &mut self.table {
                    table.row();
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"t" => self.in_text = false,
            b"p" => self.end_paragraph(),
            b"hyperlink" => self.end_link(),
            b"tc" if self.tables == 1 => {
                let text = std::mem::take(&mut self.out);
                if let Some(table) = &mut self.table {
                    table.cell(&text);
                }
            }
            b"tbl" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.end_table();
                }
            }
            _ => {}
        }
    }

    fn end_link(&mut self) {
        if let Some((start, address)) = self.link.take()
            && let Some(text) = self.paragraph.get(start..).map(str::to_owned)
        {
            self.paragraph.truncate(start);
            self.paragraph.push_str(&link(&text, &address));
        }
    }

    fn end_table(&mut self) {
        if let Some(table) = self.table.take() {
            let rest = std::mem::take(&mut self.out);
            self.out = table.finish();
            self.out.push_str(&rest);
            self.out.push('\n');
        }
    }

    fn end_paragraph(&mut self) {
        self.end_link();
        let text = std::mem::take(&mut self.paragraph);
        let text = text.trim();
        let style = std::mem::take(&mut self.style).to_lowercase();
        let is_item = std::mem::take(&mut self.is_item) || style.starts_with("list");
        if text.is_empty() {
            return;
        }
        if self.tables > 0 {
            self.out.push_str(&super::text::one_line(text));
            self.out.push(' ');
            return;
        }
        if style == "title" && self.title.is_none() {
            self.title = Some(super::text::one_line(text));
            return;
        }
        let level = style
            .strip_prefix("heading")
            .and_then(|level| level.parse().ok());
        match level {
            Some(level @ 1..=6) => {
                // The title of the entity is the one heading of the first level.
                self.out.push_str(&"#".repeat(level + 1));
                self.out.push(' ');
                self.out.push_str(text);
                self.out.push_str("\n\n");
            }
            _ if is_item => {
                self.out.push_str("- ");
                self.out.push_str(text);
                self.out.push('\n');
            }
            _ => {
                if self
                    .out
                    .lines()
                    .last()
                    .is_some_and(|line| line.starts_with("- "))
                {
                    self.out.push('\n');
                }
                self.out.push_str(text);
                self.out.push_str("\n\n");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let body = |body: &str| {
            format!(
                "<?xml version=\"1.0\"?><w:document xmlns:w=\"x\"><w:body>{body}</w:body></w:document>"
            )
        };
        let paragraph = |style: &str, text: &str| {
            format!("<w:p><w:pPr>{style}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
        };
        let heading = paragraph("<w:pStyle w:val=\"Heading1\"/>", "One");
        let title = paragraph("<w:pStyle w:val=\"Title\"/>", "The &amp; Title");
        let item = paragraph("<w:numPr/>", "item");
        let plain = paragraph("", "a &lt;b&gt; &#233;");
        let known = relations(
            "<Relationships><Relationship Id=\"r1\" Target=\"https://b.example/?c&amp;d\"/></Relationships>",
        );
        let table = format!("<w:tbl><w:tr><w:tc>{plain}</w:tc><w:tc>{plain}</w:tc></w:tr></w:tbl>");
        for (xml, expect) in [
            (
                body(&[&*title, &*heading, &*item, &*item, &*plain].concat()),
                "## One\n\n- item\n- item\n\na <b> é",
            ),
            (body(&table), "| a <b> é | a <b> é |\n| --- | --- |"),
            (
                body(
                    "<w:p><w:r><w:t xml:space=\"preserve\">see </w:t></w:r><w:hyperlink r:id=\"r1\"><w:r><w:t>it</w:t></w:r></w:hyperlink><w:hyperlink r:id=\"none\"><w:r><w:t>!</w:t></w:r></w:hyperlink></w:p>",
                ),
                "see [it](https://b.example/?c&d)!",
            ),
            (
                body("<w:p><w:r><w:t>a</w:t><w:br/><w:tab/><w:t>b</w:t></w:r></w:p>"),
                "a\n b",
            ),
            // An entity of the document's own is never expanded.
            (
                format!(
                    "<!DOCTYPE d [<!ENTITY e \"boom\">]>{}",
                    body("<w:p><w:r><w:t>x&e;</w:t></w:r></w:p>")
                ),
                "x",
            ),
        ] {
            assert_eq!(markdown(&xml, &known).unwrap().0, expect, "{xml}");
        }
        assert_eq!(
            markdown(&body(&title), &known).unwrap().1.as_deref(),
            Some("The & Title")
        );
        assert!(markdown("<w:p><w:t>a</w:p>", &known).is_err());
    }
}
