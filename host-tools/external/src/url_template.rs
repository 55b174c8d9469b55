//! URLs with parameters, rendered so that no argument can change what stands
//! around it.

use serde_json::{Map, Value};
use url::Url;

use super::template::{Template, encode};
use memex_host_tools::ToolError;

/// A URL with parameters in its path and query. Whatever the arguments are,
/// scheme, host, port and the number of path segments stay as written.
#[derive(Debug, Clone)]
pub(super) struct UrlTemplate {
    /// The segments of the path, without the slashes between them.
    segments: Vec<Template>,
    query: Option<Template>,
    /// Scheme, host and port, with the path `/`.
    base: Url,
}

impl UrlTemplate {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (authority, tail) = split(text)?;
        if authority.contains(['{', '}']) {
            return Err("scheme, host and port take no parameters".to_owned());
        }
        if tail.contains('#') {
            return Err("a URL of a tool has no `#` part".to_owned());
        }
        let base = Url::parse(authority).map_err(|error| error.to_string())?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err("the URL must begin with `https://` or `http://`".to_owned());
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err("a URL holds no credentials; use `auth`".to_owned());
        }
        let (path, query) = match split_query(tail) {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        if path.contains(|c: char| c == '\\' || c.is_control() || c.is_whitespace()) {
            return Err("the path contains a backslash or white space".to_owned());
        }
        let segments = path
            .strip_prefix('/')
            .unwrap_or(path)
            .split('/')
            .map(Template::parse)
            .collect::<Result<Vec<_>, _>>()?;
        for segment in &segments {
            if segment.literal().is_some_and(is_dots) {
                return Err("the path contains `.` or `..`; write the path it means".to_owned());
            }
        }
        Ok(Self {
            segments,
            query: query.map(Template::parse).transpose()?,
            base,
        })
    }

    /// The parameters of the path: each call must have them.
    pub(super) fn path_parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(Template::parameters)
    }

    /// The parameters of the query: likewise.
    pub(super) fn query_parameters(&self) -> impl Iterator<Item = &str> {
        self.query.iter().flat_map(Template::parameters)
    }

    pub(super) fn render(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Url, ToolError> {
        let refuse = |template: &Template, reason: &str| {
            let names: Vec<_> = template.parameters().collect();
            ToolError::new(
                "ValueError",
                format!("{tool}: {}: {reason}", names.join(", ")),
            )
        };
        let required = |template: &Template| {
            template
                .render_with(tool, arguments, encode)?
                .ok_or_else(|| refuse(template, "must be given"))
        };
        let mut path = String::new();
        for segment in &self.segments {
            let text = required(segment)?;
            if segment.parameters().next().is_some() {
                if text.is_empty() {
                    return Err(refuse(segment, "must not be empty"));
                }
                // Servers and clients resolve these even when they are encoded.
                if is_dots(&text) {
                    return Err(refuse(segment, "must not be `.` or `..`"));
                }
            }
            path.push('/');
            path.push_str(&text);
        }
        let mut url = self.base.clone();
        url.set_path(&path);
        if let Some(query) = &self.query {
            url.set_query(Some(&required(query)?));
        }
        let segments = url.path_segments().map_or(0, Iterator::count);
        if url.origin() != self.base.origin() || segments != self.segments.len() {
            return Err(ToolError::new(
                "ValueError",
                format!("{tool}: the arguments would change the address that is called"),
            ));
        }
        Ok(url)
    }
}

/// Whether URL parsers take the segment for `.` or `..`.
fn is_dots(segment: &str) -> bool {
    let plain = segment.replace("%2e", ".").replace("%2E", ".");
    plain == "." || plain == ".."
}

/// Divides a URL before its path or query.
fn split(text: &str) -> Result<(&str, &str), String> {
    let start = text
        .find("://")
        .map(|at| at + "://".len())
        .ok_or("the URL must begin with `https://` or `http://`")?;
    let end = text
        .get(start..)
        .and_then(|rest| rest.find(['/', '?', '#', '\\']))
        .map_or(text.len(), |at| start + at);
    text.split_at_checked(end)
        .ok_or_else(|| "the URL is cut within a character".to_owned())
}

/// Divides at the first `?` that is not within braces.
fn split_query(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '?' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn arguments(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn decode(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn templates_that_could_change_the_address_are_refused() {
        for (text, reason) in [
            ("https://{host}/x", "take no parameters"),
            ("{scheme}://example.com/x", "take no parameters"),
            ("https://example.com:{port}/x", "take no parameters"),
            ("https://user:pass@example.com/x", "holds no credentials"),
            ("ftp://example.com/x", "must begin with"),
            ("example.com/x", "must begin with"),
            ("https://example.com/a/../{x}", "`.` or `..`"),
            ("https://example.com/a/%2e%2E/{x}", "`.` or `..`"),
            ("https://example.com/a#{x}", "no `#` part"),
            ("https://example.com\\@evil/{x}", "backslash"),
            ("https://example.com/{x", "without its `}`"),
            ("https://example.com/x}", "a lone `}`"),
            ("https://example.com/{}", "names no parameter"),
        ] {
            let error = UrlTemplate::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn arguments_stay_in_their_place() {
        let url = UrlTemplate::parse("https://example.com:8443/u/{id}.json?q={q}&fixed=1").unwrap();
        for (id, q, expected) in [
            ("7", "a b", "/u/7.json?q=a%20b&fixed=1"),
            ("a/b", "&x=1#", "/u/a%2Fb.json?q=%26x%3D1%23&fixed=1"),
            ("../..", "ä", "/u/..%2F...json?q=%C3%A4&fixed=1"),
            ("%2e", "\r\n", "/u/%252e.json?q=%0D%0A&fixed=1"),
            ("@evil.com", "?", "/u/%40evil.com.json?q=%3F&fixed=1"),
        ] {
            let rendered = url
                .render("t", &arguments(json!({"id": id, "q": q})))
                .unwrap();
            assert_eq!(
                rendered.as_str(),
                format!("https://example.com:8443{expected}")
            );
        }
    }

    #[test]
    fn segments_that_mean_another_path_are_refused() {
        let url = UrlTemplate::parse("https://example.com/u/{id}/x").unwrap();
        for (value, reason) in [
            (json!(".."), "ValueError: t: id: must not be `.` or `..`"),
            (json!("."), "ValueError: t: id: must not be `.` or `..`"),
            (json!(""), "ValueError: t: id: must not be empty"),
            (json!(null), "ValueError: t: id: must be given"),
            (
                json!(["a"]),
                "TypeError: t: id: must be a text, a number or a boolean",
            ),
        ] {
            let error = url
                .render("t", &arguments(json!({"id": value})))
                .unwrap_err();
            assert_eq!(error.to_string(), reason);
        }
    }

    proptest! {
        #[test]
        fn no_argument_changes_the_address(id in any::<String>(), other in ".{0,12}", q in any::<String>()) {
            let url = UrlTemplate::parse("http://example.com/a/{id}/b/v{other}?q={q}&z=1").unwrap();
            let given = arguments(json!({"id": id, "other": other, "q": q}));
            match url.render("t", &given) {
                Ok(rendered) => {
                    prop_assert_eq!(rendered.host_str(), Some("example.com"));
                    prop_assert_eq!(rendered.scheme(), "http");
                    prop_assert_eq!(rendered.port_or_known_default(), Some(80));
                    prop_assert_eq!(rendered.fragment(), None);
                    let segments: Vec<_> = rendered.path_segments().unwrap().map(decode).collect();
                    prop_assert_eq!(segments, vec!["a".to_owned(), id, "b".to_owned(), format!("v{other}")]);
                    let pairs: Vec<_> = rendered.query().unwrap().split('&').map(decode).collect();
                    prop_assert_eq!(pairs, vec![format!("q={q}"), "z=1".to_owned()]);
                }
                Err(error) => {
                    prop_assert_eq!(error.class, "ValueError");
                    prop_assert!(["", ".", ".."].contains(&id.as_str()), "{}", id);
                }
            }
        }

        #[test]
        fn parsing_never_fails_otherwise_than_by_refusal(text in "[a-z{}/?#%.:@\\\\ ]{0,40}") {
            let _ = UrlTemplate::parse(&text);
            let _ = UrlTemplate::parse(&format!("https://example.com/{text}"));
            if let Ok(template) = Template::parse(&text) {
                prop_assert!(template.parameters().all(|name| !name.is_empty()));
            }
        }
    }
}
