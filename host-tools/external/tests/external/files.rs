//! What tool files say, and how wrong ones are refused.

use memex_external::{OutsideError, TOOL_FILE_MAX_BYTES, ToolFile, ToolFileFormat};
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;

use crate::support::{Folder, host};

#[tokio::test]
async fn toml_and_json_say_the_same() {
    let toml = r#"
        version = 1
        [[command]]
        name = "greet"
        description = "Greets."
        argv = ["cat"]
        timeout_ms = 500
        parameters = { type = "object", properties = { who = { type = "string" } }, required = ["who"] }
        returns = { type = "string" }
        [[http]]
        name = "fetch"
        url = "https://example.com/{id}"
        parameters = { type = "object", properties = { id = { type = "string" } }, required = ["id"] }
        [[mcp]]
        name = "files"
        argv = ["cat"]
    "#;
    let json = json!({
        "version": 1,
        "command": [{
            "name": "greet", "description": "Greets.", "argv": ["cat"], "timeout_ms": 500,
            "parameters": {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]},
            "returns": {"type": "string"},
        }],
        "http": [{
            "name": "fetch", "url": "https://example.com/{id}",
            "parameters": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        }],
        "mcp": [{"name": "files", "argv": ["cat"]}],
    });
    let here = Path::new("/");
    let toml = ToolFile::parse(toml, ToolFileFormat::Toml, "t", here).unwrap();
    let json = ToolFile::parse(&json.to_string(), ToolFileFormat::Json, "t", here).unwrap();
    let specs: Vec<_> = toml.specs().cloned().collect();
    assert_eq!(specs, json.specs().cloned().collect::<Vec<_>>());
    assert_eq!(specs.len(), 2);
    assert_eq!(specs[0].timeout.unwrap().as_millis(), 500);
    assert_eq!(specs[0].returns, Some(json!({"type": "string"})));
    assert_eq!(toml.servers().collect::<Vec<_>>(), ["files"]);
    assert_eq!(json.servers().collect::<Vec<_>>(), ["files"]);
}

#[test]
fn the_examples_of_the_handbook_are_right() {
    let handbook = include_str!("../../../../docs/tool-files.md");
    let examples: Vec<_> = handbook
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() >= 5);
    for example in examples {
        let text = match example.contains("version = 1") {
            true => example.to_owned(),
            false => format!("version = 1\n{example}"),
        };
        let file = ToolFile::parse(&text, ToolFileFormat::Toml, "handbook", Path::new("/"));
        assert!(file.is_ok(), "{example}\n{file:?}");
    }
}

#[test]
fn wrong_files_are_refused_with_file_tool_and_reason() {
    let folder = Folder::new();
    folder.write("bad.json", "[1");
    let file = folder.path("tools.toml").display().to_string();
    for (text, reason) in [
        (
            "comand = []",
            ": unknown field `comand`; did you mean `command`?",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\ntiemout_ms=1",
            ": command `x`: unknown field `tiemout_ms`; did you mean `timeout_ms`?",
        ),
        (
            "[[command]]\nargv=['cat']",
            ": command 1: field `name` is missing: what the tool is called",
        ),
        (
            "[[command]]\nname='x y'\nargv=['cat']",
            ": command `x y`: the name contains white space or a control character",
        ),
        (
            "[[command]]\nname='x'\nargv='cat'",
            ": command `x`: field `argv` must be a list of texts, not a text",
        ),
        (
            "[[command]]\nname='x'",
            ": command `x`: field `argv` is missing: the program and its arguments, as a list of texts; no shell reads them",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\ntimeout_ms=0",
            ": command `x`: field `timeout_ms` must be a whole number from 1 to 3600000",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\nenv=['A=B']",
            ": command `x`: \"A=B\" cannot be the name of an environment variable",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\n[[command]]\nname='x'\nargv=['cat']",
            ": command `x`: the tool `x` is declared by FILE: command `x` too",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\nparameters={type='array'}",
            ": command `x`: wrong schema: field `parameters`: at `/type`: the arguments of a tool are an object",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\nparameters={properties={a={type='strng'}}}",
            ": command `x`: wrong schema: field `parameters`: at `/properties/a/type`: \"strng\" is no type; did you mean `string`?",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\nreturns={'$ref'='#/$defs/X'}",
            ": command `x`: wrong schema: field `returns`: at `/$ref`: \"#/$defs/X\" leads nowhere",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\nparameters={required='a'}",
            ": command `x`: wrong schema: field `parameters`: at `/required`: it is no array of names",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\nparameters='bad.json'",
            "EOF while parsing a list at line 1 column 2",
        ),
        (
            "[[command]]\nname='x'\nargv=['cat']\nparameters='absent.json'",
            "absent.json: No such file or directory (os error 2)",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/{id}'\nparameters={properties={id={}}}",
            ": http `x`: `{id}` stands in the URL, so the schema must require it; optional parameters go into `query`",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nquery={a='{idd}'}\nparameters={properties={id={}}}",
            ": http `x`: `{idd}` is no parameter of the schema; did you mean `id`?",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nparameters={properties={id={}}}",
            ": http `x`: the parameter `id` is not used by the request; put `{id}` into `url`, `query`, `headers` or `body`",
        ),
        (
            "[[http]]\nname='x'\nurl='https://{h}/'",
            ": http `x`: field `url`: scheme, host and port take no parameters",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nmethod='PSOT'",
            "; did you mean `POST`?",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nheaders={Host='a'}",
            ": http `x`: field `headers`: the header `Host` belongs to the connection",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nheaders={authorization='a'}\nauth={kind='bearer',secret='TOKEN'}",
            ": http `x`: field `headers`: `authorization` is set by `auth`",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nquery={key='a'}\nauth={kind='query',name='key',secret='TOKEN'}",
            ": http `x`: field `query`: `key` is set by `auth`",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nauth={kind='beaer',secret='TOKEN'}",
            "`kind` must be one of `basic`, `bearer`, `header`, `query`; did you mean `bearer`?",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nauth={kind='bearer'}",
            "field `secret` is missing: the name of the secret, not its value",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nresponse='text'\npointer='/a'",
            ": http `x`: field `pointer` needs `response = \"json\"`",
        ),
        (
            "[[http]]\nname='x'\nurl='https://example.com/'\nbody={jsno={}}",
            ": http `x`: field `body`: unknown field `jsno`; did you mean `json`?",
        ),
        (
            "[[mcp]]\nname='x'",
            ": mcp `x`: field `argv` (a server to start) or `url` (a server to connect to) is missing",
        ),
        (
            "[[mcp]]\nname='x'\nargv=['cat']\nurl='https://example.com/'",
            ": mcp `x`: fields `argv` and `url` exclude each other",
        ),
        (
            "[[mcp]]\nname='x'\nurl='https://example.com/'\nheaders={Mcp-Session-Id='1'}",
            ": mcp `x`: the header `Mcp-Session-Id` belongs to the protocol",
        ),
        (
            "[[mcp]]\nname='x'\nargv=['cat']\n[[mcp]]\nname='x'\nargv=['cat']",
            ": two MCP servers are called `x`",
        ),
        (
            "[[openai]]\nargv=['cat']\ntools=[{type='web_search'}]",
            ": openai 1: definition 1: a tool of type `web_search` is run by the provider of the model, not by this host",
        ),
        (
            "[[anthropic]]\nargv=['cat']\ntools=[{name='a'}]",
            ": anthropic 1: tool `a`: `input_schema` is missing",
        ),
        (
            "[[openai]]\ntools=[]",
            ": openai 1: field `argv` or `url` is missing: what answers the calls",
        ),
    ] {
        let error = folder.parse(text).unwrap_err().to_string();
        let reason = reason.replace("FILE", &file);
        assert!(
            error.starts_with(&file) && error.ends_with(&reason),
            "{text}\n  {error}"
        );
    }
}

#[test]
fn versions_lengths_and_syntax_are_checked() {
    let parse = |text: &str, format| {
        ToolFile::parse(text, format, "t", Path::new("/"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        parse("", ToolFileFormat::Toml),
        "t: field `version` is missing; write `version = 1`"
    );
    assert_eq!(
        parse("version = 2", ToolFileFormat::Toml),
        "t: `version` must be 1"
    );
    assert_eq!(
        parse("[]", ToolFileFormat::Json),
        "t: a table is expected, not a list"
    );
    assert!(parse("version = ", ToolFileFormat::Toml).contains("line 1"));
    let maximum = usize::try_from(TOOL_FILE_MAX_BYTES).unwrap();
    let mut text = "version = 1\n".to_owned();
    text.push_str(&"#".repeat(maximum - text.len()));
    assert!(ToolFile::parse(&text, ToolFileFormat::Toml, "t", Path::new("/")).is_ok());
    text.push('#');
    assert_eq!(
        parse(&text, ToolFileFormat::Toml),
        format!(
            "t: {} bytes are too many; the maximum is {maximum}",
            maximum + 1
        )
    );
}

#[tokio::test]
async fn what_is_not_there_is_named_when_the_file_is_opened() {
    let folder = Folder::new();
    for (text, reason) in [
        (
            "argv=['no-such-program-anywhere']",
            "the program `no-such-program-anywhere` is not in PATH; write where it is",
        ),
        ("argv=['./absent.py']", "absent.py is no program"),
        ("argv=['cat']\ncwd='absent'", "absent is no directory"),
        (
            "argv=['cat']\nenv_secrets={A='MISSING'}",
            "the secret `MISSING` is not known; give its value to the host",
        ),
        (
            "argv=['cat']\nenv_secrets={A='TINY'}",
            "the secret `TINY` has 7 bytes; one of 8 to 65536 can be kept out of what comes back",
        ),
    ] {
        let file = folder
            .parse(&format!("[[command]]\nname='x'\n{text}"))
            .unwrap();
        let Err(error) = file.open(&host()).await else {
            panic!("{text} was opened")
        };
        let error = error.to_string();
        assert!(error.contains("tools.toml: command `x`"), "{error}");
        assert!(error.ends_with(reason), "{error}");
    }
}

#[test]
fn enormous_and_recursive_schemas_cost_one_visit() {
    let folder = Folder::new();
    let recursive = r##"{"type":"object","properties":{"tree":{"$ref":"#"}}}"##;
    folder.write("recursive.json", recursive);
    let properties: Vec<_> = (0..20_000)
        .map(|n| format!(r##""p{n}":{{"$ref":"#"}}"##))
        .collect();
    folder.write(
        "enormous.json",
        &format!(
            r#"{{"type":"object","properties":{{{}}}}}"#,
            properties.join(",")
        ),
    );
    let depth = |n: usize| format!("{}{}{}", r#"{"items":"#.repeat(n), "true", "}".repeat(n));
    folder.write("deep.json", &depth(64));
    folder.write("deeper.json", &depth(65));
    // What a toolbox would refuse is refused by the file, which names the place.
    let endless = r##"{"$defs":{"a":{"$ref":"#/$defs/a"}}}"##;
    folder.write("endless.json", endless);
    for name in ["recursive", "enormous", "deep"] {
        let file = folder
            .parse(&format!(
                "[[command]]\nname='x'\nargv=['cat']\nparameters='{name}.json'"
            ))
            .unwrap();
        assert_eq!(file.specs().count(), 1);
    }
    for (name, reason) in [
        ("deeper", "nested deeper than 64; use `$defs` and `$ref`"),
        ("endless", "at `/$defs/a`: it refers to itself without end"),
    ] {
        let error = folder
            .parse(&format!(
                "[[command]]\nname='x'\nargv=['cat']\nreturns='{name}.json'"
            ))
            .unwrap_err();
        assert!(matches!(error, OutsideError::Schema { .. }));
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_upsets_the_parser(text in "(\\[\\[(command|http|mcp|openai)\\]\\]\n|name='[a-z{}]{0,3}'\n|argv=\\['cat'\\]\n|url='https://e/[{}a-z?]{0,6}'\n|tools=[\\[\\]{}1]{0,3}\n|parameters=\\{[a-z='{}]{0,9}\n){0,8}") {
        let text = format!("version = 1\n{text}");
        let _ = ToolFile::parse(&text, ToolFileFormat::Toml, "t", Path::new("/"));
        let _ = ToolFile::parse(&text, ToolFileFormat::Json, "t", Path::new("/"));
    }
}
