//! The text of a Word document as Markdown.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The part of the archive that holds the text.
pub(super) const DOCUMENT: &str = "word/document.xml";

/// The Markdown of `word/document.xml`, and its title if a paragraph has that
/// style.
pub(super) fn markdown(xml: &str) -> Result<(String, Option<String>), String> {
    let mut reader = Reader::from_str(xml);
    let mut writer = Writer::default();
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

#[derive(Default)]
struct Writer {
    out: String,
    title: Option<String>,
    paragraph: String,
    style: String,
    is_item: bool,
    in_text: bool,
    /// Tables in tables are written as one.
    tables: usize,
}

impl Writer {
    fn start(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            b"t" => self.in_text = true,
            b"tab" => self.paragraph.push(' '),
            b"br" | b"cr" => self.paragraph.push('\n'),
            b"pStyle" => {
                let style = element.try_get_attribute("w:val").ok().flatten();
                let style = style.map(|style| String::from_utf8_lossy(&style.value).into_owned());
                self.style = style.unwrap_or_default();
            }
            b"numPr" => self.is_item = true,
            b"tbl" => self.tables += 1,
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"t" => self.in_text = false,
            b"p" => self.end_paragraph(),
            b"tc" => self.out.push_str("| "),
            b"tr" => self.out.push('\n'),
            b"tbl" => {
                self.tables = self.tables.saturating_sub(1);
                self.out.push('\n');
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
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
        let table = format!("<w:tbl><w:tr><w:tc>{plain}</w:tc><w:tc>{plain}</w:tc></w:tr></w:tbl>");
        for (xml, expect) in [
            (
                body(&[&*title, &*heading, &*item, &*item, &*plain].concat()),
                "## One\n\n- item\n- item\n\na <b> é",
            ),
            (body(&table), "a <b> é | a <b> é |"),
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
            assert_eq!(markdown(&xml).unwrap().0, expect, "{xml}");
        }
        assert_eq!(
            markdown(&body(&title)).unwrap().1.as_deref(),
            Some("The & Title")
        );
        assert!(markdown("<w:p><w:t>a</w:p>").is_err());
    }
}
