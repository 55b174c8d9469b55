//! The `mcp.json` of MCP clients, read as a tool file with servers.
//!
//! ```text
//!  {"mcpServers": {"NAME": {"command", "args", "env"} | {"url", "headers"}}}
//!       └► {"version": 1, "mcp": [{"name", "argv", "env_set"} | {"name", "url", "headers"}]}
//! ```
//! Fields that only steer the client are left out. What would change which server answers,
//! and is not understood, is refused.

use serde_json::{Map, Value, json};

use super::document::{Fields, TOOL_FILE_VERSION, shown};
use super::error::OutsideError;

/// What clients call their servers; Visual Studio Code's is the second.
const KEYS: [&str; 2] = ["mcpServers", "servers"];
/// What a client gives the programs that it starts.
const VARIABLES: [&str; 6] = ["HOME", "LANG", "LOGNAME", "SHELL", "TERM", "USER"];
const FIELDS: &[&str] = &[
    "command",
    "args",
    "env",
    "cwd",
    "url",
    "serverUrl",
    "httpUrl",
    "headers",
    "type",
    "transport",
    "disabled",
    "enabled",
    // For the client alone: whom it asks before a call, what it shows, how long it waits.
    "alwaysAllow",
    "always_allow",
    "autoApprove",
    "description",
    "gallery",
    "note",
    "timeout",
    "trust",
    "version",
];

/// A tool file of the servers, if the document is the configuration of a client.
pub(super) fn tool_file(
    document: &Value,
    fields: &Fields<'_>,
) -> Result<Option<Value>, OutsideError> {
    if fields.has("version") {
        return Ok(None);
    }
    let Some(servers) = KEYS.iter().find_map(|key| document.get(key)) else {
        return Ok(None);
    };
    let Some(servers) = servers.as_object() else {
        return Err(fields.refusal("its servers are no table of names"));
    };
    let mut tables = Vec::new();
    for (name, server) in servers {
        let place = format!("{}: server `{}`", fields.place, shown(name));
        let server = Fields::open(place, &fields.directory, server)?;
        tables.extend(table(name, &server)?);
    }
    Ok(Some(json!({ "version": TOOL_FILE_VERSION, "mcp": tables })))
}

/// The declaration of one server; none for one that is off, and for memex itself, which a
/// client that is configured for both would have start itself again and again.
fn table(name: &str, server: &Fields<'_>) -> Result<Option<Value>, OutsideError> {
    server.expect(FIELDS)?;
    let is_off = server.flag("disabled")? || (server.has("enabled") && !server.flag("enabled")?);
    let arguments = server.texts("args")?.unwrap_or_default();
    let command = server.text("command")?;
    let is_own = command.is_some_and(|command| command.rsplit('/').next() == Some("memex"))
        && arguments.first().is_some_and(|first| first == "mcp");
    if is_off || is_own {
        return Ok(None);
    }
    let mut table = Map::new();
    table.insert("name".to_owned(), name.into());
    table.insert("prefix".to_owned(), prefix(name).into());
    let url = ["url", "serverUrl", "httpUrl"];
    let url = url.iter().find(|key| server.has(key));
    match (command, url) {
        (Some(command), None) => {
            let mut argv = vec![plain(server, "command", command)?];
            for argument in &arguments {
                argv.push(plain(server, "args", argument)?);
            }
            table.insert("argv".to_owned(), argv.into());
            table.insert("env".to_owned(), VARIABLES.to_vec().into());
            table.insert("env_set".to_owned(), texts(server, "env")?);
            if let Some(cwd) = server.text("cwd")? {
                table.insert("cwd".to_owned(), plain(server, "cwd", cwd)?.into());
            }
        }
        (None, Some(key)) => {
            let is_sse = ["type", "transport"].iter().any(|key| {
                let kind = server.value(key).and_then(Value::as_str);
                kind == Some("sse")
            });
            if is_sse {
                return Err(server.refusal(
                    "servers of the old transport `sse` are not spoken to; take the address of \
                     its streamable HTTP, often /mcp instead of /sse",
                ));
            }
            let url = server.require(key, "where the server is")?;
            table.insert("url".to_owned(), plain(server, key, url)?.into());
            table.insert("headers".to_owned(), texts(server, "headers")?);
        }
        (Some(_), Some(_)) => {
            return Err(server.refusal("fields `command` and `url` exclude each other"));
        }
        (None, None) => {
            return Err(server.refusal("field `command` or `url` is missing"));
        }
    }
    Ok(Some(Value::Object(table)))
}

/// A table of texts that a client would not fill in.
fn texts(server: &Fields<'_>, key: &str) -> Result<Value, OutsideError> {
    let mut texts = Map::new();
    for (name, text) in server.pairs(key)? {
        let text = plain(server, key, &text)?;
        texts.insert(name, text.into());
    }
    Ok(Value::Object(texts))
}

/// A text without references that a client resolves, each in its own way.
fn plain(server: &Fields<'_>, key: &str, text: &str) -> Result<String, OutsideError> {
    match text.contains("${") {
        false => Ok(text.to_owned()),
        true => Err(server.refusal(format!(
            "field `{key}` refers to a variable, `${{…}}`, which only the client resolves; write \
             the value, or declare the server in a tool file with `env` or `env_secrets`"
        ))),
    }
}

/// What the names of a server's tools begin with, as a name of Python can.
fn prefix(name: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '_',
    };
    let mut prefix: String = name.chars().map(letter).take(40).collect();
    if !prefix.starts_with(|first: char| first.is_ascii_alphabetic()) {
        prefix.insert_str(0, "mcp_");
    }
    prefix.push('_');
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(text: &str) -> Result<Option<Value>, String> {
        let document: Value = serde_json::from_str(text).unwrap();
        let fields = Fields::open("mcp.json", Path::new("/x"), &document).unwrap();
        tool_file(&document, &fields).map_err(|error| error.to_string())
    }

    #[test]
    fn servers_of_a_client_are_declarations() {
        let text = r#"{"mcpServers": {
            "My Files": {"command": "npx", "args": ["-y", "fs"], "env": {"A": "1"}, "timeout": 9},
            "9web": {"type": "http", "url": "https://a.example/mcp", "headers": {"X": "y"}},
            "off": {"command": "x", "disabled": true},
            "off too": {"command": "x", "enabled": false},
            "itself": {"command": "/opt/memex", "args": ["mcp", "--servers", "mcp.json"]}
        }, "other": 1}"#;
        let want = json!({ "version": 1, "mcp": [
            { "name": "My Files", "prefix": "my_files_", "argv": ["npx", "-y", "fs"],
              "env": VARIABLES, "env_set": { "A": "1" } },
            { "name": "9web", "prefix": "mcp_9web_", "url": "https://a.example/mcp",
              "headers": { "X": "y" } },
        ] });
        assert_eq!(read(text).unwrap(), Some(want));
        let code = r#"{"servers": {"a": {"type": "stdio", "command": "x"}}}"#;
        assert!(read(code).unwrap().is_some());
        // Tool files are theirs to read.
        assert_eq!(read(r#"{"version": 1, "mcp": []}"#).unwrap(), None);
        assert_eq!(read(r#"{"command": []}"#).unwrap(), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (server, want) in [
            (r#"{"comand": "x"}"#, "did you mean `command`"),
            (r#"{}"#, "`command` or `url` is missing"),
            (
                r#"{"command": "x", "url": "https://a"}"#,
                "exclude each other",
            ),
            (
                r#"{"command": "x", "env": {"A": "${HOME}"}}"#,
                "only the client resolves",
            ),
            (r#"{"command": "x", "args": [1]}"#, "`args`"),
            (
                r#"{"type": "sse", "url": "https://a/sse"}"#,
                "transport `sse`",
            ),
            ("7", "a table is expected"),
        ] {
            let error = read(&format!(r#"{{"mcpServers": {{"a": {server}}}}}"#)).unwrap_err();
            assert!(error.contains(want), "{server}: {error}");
        }
        assert!(read(r#"{"mcpServers": []}"#).is_err());
    }
}
