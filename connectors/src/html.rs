//! The text of an HTML document as Markdown: headings, paragraphs, lists,
//! tables. Everything else is left out.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

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
}

impl Document {
    fn event(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => self.opens(&String::from_utf8_lossy(name)),
            CallbackEvent::EndTag { name } => self.closes(&String::from_utf8_lossy(name)),
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            _ => {}
        }
    }

    fn opens(&mut self, name: &str) {
        self.in_title = name == "title" && self.title.is_none();
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
            ("td" | "th", true) => self.out.push_str(" | "),
            ("tr", _) => self.lines(1),
            ("pre", _) => {
                self.lines(2);
                self.in_pre = !closes;
            }
            (
                "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "section"
                | "article" | "blockquote",
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

    fn finish(self) -> String {
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
                "a | b |\nc |",
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
