//! The text of an HTML document as Markdown: headings, paragraphs, lists,
//! tables, links. Everything else is left out.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::table::{Table, link};

/// Elements whose content is no text.
const SILENT: &[&str] = &["script", "style", "head", "template", "noscript"];

/// The Markdown of a document, and its title if it names one.
pub(super) fn markdown(html: &str) -> (String, Option<String>) {
    let mut document = Document::default();
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
        document.event(event);
        None::<Infallible>
    });
    // Scripts, styles and titles hold text that only looks like tags.
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
    (document.writer.finish(), document.title)
}

/// A document while its tags are read.
#[derive(Default)]
struct Document {
    writer: Writer,
    /// The element that is left out, while it is open, and how many of its kind
    /// are open within it.
    silent: Option<(&'static str, usize)>,
    title: Option<String>,
    in_title: bool,
    /// Whether an attribute that is read belongs to a link, and names its target.
    in_link: bool,
    in_address: bool,
}

impl Document {
    fn event(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => self.opens(&String::from_utf8_lossy(name)),
            CallbackEvent::EndTag { name } => self.closes(&String::from_utf8_lossy(name)),
            CallbackEvent::AttributeName { name } => {
                self.in_address = self.in_link && name == b"href";
            }
            CallbackEvent::AttributeValue { value } if self.in_address => {
                self.writer.address(&String::from_utf8_lossy(value));
            }
            CallbackEvent::CloseStartTag { .. } => self.in_link = false,
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            _ => {}
        }
    }

    fn opens(&mut self, name: &str) {
        self.in_title = name == "title" && self.title.is_none();
        self.in_link = name == "a" && self.silent.is_none();
        self.in_address = false;
        match &mut self.silent {
            // The end of a head need not be written.
            Some(("head", _)) if name == "body" => self.silent = None,
            Some((silent, within)) if *silent == name => *within = within.saturating_add(1),
            Some(_) => {}
            None => match SILENT.iter().find(|silent| **silent == name) {
                Some(silent) => self.silent = Some((silent, 0)),
                None => self.writer.tag(name, false),
            },
        }
    }

    fn closes(&mut self, name: &str) {
        self.in_title = false;
        self.in_link = false;
        match &mut self.silent {
            Some((silent, 0)) if *silent == name => self.silent = None,
            Some((silent, within)) if *silent == name => *within = within.saturating_sub(1),
            Some(_) => {}
            None => self.writer.tag(name, true),
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_title {
            self.title = Some(super::text::one_line(text)).filter(|title| !title.is_empty());
        } else if self.silent.is_none() {
            self.writer.text(text);
        }
    }
}

#[derive(Default)]
struct Writer {
    out: String,
    lists: usize,
    in_pre: bool,
    /// The outermost table that is open; tables in it are text of its cells.
    table: Option<Table>,
    tables: usize,
    /// Whether a cell is open.
    in_cell: bool,
    /// The link that is open: where its text begins, and its address.
    link: Option<(usize, String)>,
}

impl Writer {
    fn text(&mut self, text: &str) {
        if self.in_pre {
            // A space is a space in Markdown.
            self.out
                .extend(text.chars().map(|c| if c == '\u{a0}' { ' ' } else { c }));
            return;
        }
        for c in text.chars() {
            let blank = c.is_whitespace();
            let at_start = self.out.is_empty() || self.out.ends_with(['\n', ' ']);
            match (blank, at_start) {
                (true, true) => {}
                (true, false) => self.out.push(' '),
                (false, _) => self.out.push(c),
            }
        }
    }

    fn tag(&mut self, name: &str, closes: bool) {
        match (name, closes) {
            ("br", _) => self.lines(1),
            ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", false) => {
                self.lines(2);
                let level = name.as_bytes().get(1).map_or(1, |digit| digit - b'0');
                // The title of the entity is the one heading of the first level.
                self.out.push_str(&"#".repeat(usize::from(level) + 1));
                self.out.push(' ');
            }
            ("ul" | "ol", false) => self.lists += 1,
            ("ul" | "ol", true) => {
                self.lists = self.lists.saturating_sub(1);
                self.lines(if self.lists == 0 { 2 } else { 1 });
            }
            ("li", false) => {
                self.lines(1);
                let depth = self.lists.clamp(1, 8) - 1;
                self.out.push_str(&"  ".repeat(depth));
                self.out.push_str("- ");
            }
            ("a", false) => {
                self.end_link();
                self.link = Some((self.out.len(), String::new()));
            }
            ("a", true) => self.end_link(),
            ("table", false) => {
                self.tables += 1;
                if self.tables == 1 {
                    self.end_link();
                    self.lines(2);
                    self.table = Some(Table::behind(std::mem::take(&mut self.out)));
                }
            }
            ("table", true) => self.end_table(),
            ("td" | "th", false) if self.tables == 1 => {
                self.end_cell();
                self.in_cell = true;
            }
            ("td" | "th", true) if self.tables == 1 => self.end_cell(),
            ("td" | "th", _) => self.out.push(' '),
            ("tr", false) if self.tables == 1 => {
                self.end_cell();
                if let Some(table) = &mut self.table {
                    table.row();
                }
            }
            ("tr", _) => self.lines(1),
            ("pre", _) => {
                self.lines(2);
                self.in_pre = !closes;
            }
            (
                "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "section" | "article"
                | "blockquote",
                _,
            ) => {
                let in_item = self.lists > 0;
                self.lines(if in_item { 0 } else { 2 });
            }
            _ => {}
        }
    }

    /// Ends the line, so that so many line ends stand there.
    fn lines(&mut self, count: usize) {
        if self.out.is_empty() || count == 0 {
            return;
        }
        while self.out.ends_with(' ') && !self.out.ends_with("- ") {
            self.out.pop();
        }
        let there = self.out.len() - self.out.trim_end_matches('\n').len();
        for _ in there..count {
            self.out.push('\n');
        }
    }

    /// Takes the address of the link that is open.
    fn address(&mut self, address: &str) {
        if let Some((_, known)) = &mut self.link {
            address.clone_into(known);
        }
    }

    fn end_link(&mut self) {
        let Some((start, address)) = self.link.take() else {
            return;
        };
        // Text that was taken away meanwhile belongs to no link.
        let Some(text) = self.out.get(start..).map(str::to_owned) else {
            return;
        };
        let words = text.trim();
        // Paragraphs in a link stay paragraphs.
        if address.is_empty() || words.is_empty() || words.contains('\n') {
            return;
        }
        let lead = text.len() - text.trim_start().len();
        let trail = text.len() - text.trim_end().len();
        self.out.truncate(start + lead);
        self.out.push_str(&link(words, &address));
        self.out
            .push_str(text.get(text.len() - trail..).unwrap_or_default());
    }

    fn end_cell(&mut self) {
        self.end_link();
        let text = std::mem::take(&mut self.out);
        if let (Some(table), true) = (&mut self.table, self.in_cell || !text.trim().is_empty()) {
            table.cell(&text);
        }
        self.in_cell = false;
    }

    fn end_table(&mut self) {
        self.tables = self.tables.saturating_sub(1);
        if self.tables > 0 || self.table.is_none() {
            return;
        }
        self.end_cell();
        if let Some(table) = self.table.take() {
            self.out = table.finish();
            self.lines(2);
        }
    }

    fn finish(mut self) -> String {
        self.end_link();
        self.tables = self.tables.min(1);
        self.end_table();
        self.out.trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        for (html, expect) in [
            ("<p>a  b\nc</p><p>d</p>", "a b c\n\nd"),
            ("<h1>T</h1>x<h2>U</h2>y", "## T\n\nx\n\n### U\n\ny"),
            (
                "<ul><li>a</li><li><p>b</p><ul><li>c</li></ul></li></ul>z",
                "- a\n- b\n  - c\n\nz",
            ),
            (
                "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>",
                "| a | b |\n| --- | --- |\n| c |  |",
            ),
            (
                "x<table><tr><th>a<td><p>b</p><p>c|</p><table><tr><td>d</table><tr><td></td><td>e</table>y",
                "x\n\n| a | b c\\| d |\n| --- | --- |\n|  | e |\n\ny",
            ),
            ("<table><tr><td>a", "| a |\n| --- |"),
            (
                "see <a href=\"https://b.example/c\" class=x> it </a>, <a href='#d'>e</a> <a>f</a>",
                "see [it](https://b.example/c) , e f",
            ),
            ("<a href=https://b><p>c</p><p>d</p></a>e", "c\n\nd\n\ne"),
            (
                "<table><tr><td><a href=https://b>c</a></table>",
                "| [c](https://b) |\n| --- |",
            ),
            ("a<script>x<b></script>b<!-- <p> -->c", "abc"),
            ("<style>p{}", ""),
            ("a &amp;&lt;&#233;&#x1F600;&unknown;&", "a &<é😀&unknown;&"),
            ("<head><title>T</title></head><pre>a\n  b</pre>", "a\n  b"),
            ("a < b <", "a < b <"),
            ("a&nbsp;&ndash;&nbsp;b", "a – b"),
            // What is no character is one that says so.
            ("&#0;&#xD800;", "\u{fffd}\u{fffd}"),
            // Attributes may hold what ends a tag or looks like one.
            ("<a title=\"x > y\">b</a> c", "b c"),
            ("<p class='<p>'>a<br data-x='>'/>b</p>", "a\nb"),
            ("<head><title>a</title><body>b", "b"),
            ("<template>a<template>b</template>c</template>d", "d"),
            ("<script>'</p>' < 1</script><P>a</P\n>b", "a\n\nb"),
            ("<a title=\"never ends>b", ""),
        ] {
            assert_eq!(markdown(html).0, expect, "{html}");
        }
        for (html, title) in [
            ("<title> a &amp; b</title>", Some("a & b")),
            (
                "<TITLE lang=en>a <b>c</b></TITLE><title>d</title>",
                Some("a <b>c</b>"),
            ),
            ("<title> </title>", None),
            ("<p>title</p>", None),
        ] {
            assert_eq!(markdown(html).1.as_deref(), title, "{html}");
        }
    }
}
