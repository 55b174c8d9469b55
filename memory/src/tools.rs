//! The ten operations as tools that guest code calls.

use std::sync::Arc;

use futures_util::future;
use memex_host_tools::{Answer, Arguments, CallContext, Tool, ToolError, ToolFuture, ToolSpec};
use serde_json::{Map, Value, json};

use crate::{Author, Memory, Mode, Raised, foreign};

/// Where warnings go that the original prints: the session's name and the
/// warning, for the embedder to show as output of the block.
pub type Warnings = Arc<ShowWarning>;

type ShowWarning = dyn Fn(&str, &str) + Send + Sync;

/// The ten tools on a memory. In extended mode the warnings go to `warnings`;
/// in compat mode there are none.
///
/// They answer at once, on the thread that polls them: an operation on a file
/// costs less than handing it to another thread.
#[must_use]
pub fn tools(memory: &Memory, warnings: Option<Warnings>) -> Vec<Arc<dyn Tool>> {
    let mode = memory.options().mode;
    let tool = |operation: &Operation| -> Arc<dyn Tool> {
        Arc::new(MemoryTool {
            spec: operation.spec(mode),
            run: operation.run,
            memory: memory.clone(),
            warnings: warnings.clone(),
        })
    };
    OPERATIONS.iter().map(tool).collect()
}

type Run = fn(&Call<'_>) -> Result<Value, Raised>;

struct MemoryTool {
    spec: ToolSpec,
    run: Run,
    memory: Memory,
    warnings: Option<Warnings>,
}

impl Tool for MemoryTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, context: CallContext, arguments: Arguments) -> ToolFuture {
        let (memory, run) = (self.memory.clone(), self.run);
        let (name, warnings) = (self.spec.name.clone(), self.warnings.clone());
        // Nothing happens before the first poll: a call that was given up
        // before it began has changed nothing.
        Box::pin(future::lazy(move |_| {
            let call = Call {
                memory: &memory,
                author: Author {
                    session: &context.session,
                    tool: &name,
                    deadline: Some(context.deadline),
                },
                arguments: &arguments.json,
                warnings: warnings.as_deref(),
            };
            let foreign = match memory.options().mode {
                Mode::Compat => foreign::answer(&memory, call.author, call.arguments),
                Mode::Extended => None,
            };
            match foreign.unwrap_or_else(|| run(&call)) {
                Ok(value) => Ok(Answer::json(value)),
                Err(raised) => Err(ToolError::new(raised.class, raised.message)),
            }
        }))
    }
}

struct Call<'c> {
    memory: &'c Memory,
    author: Author<'c>,
    arguments: &'c Map<String, Value>,
    warnings: Option<&'c ShowWarning>,
}

impl Call<'_> {
    fn text(&self, name: &str) -> Result<&str, Raised> {
        self.optional_text(name)?.ok_or_else(|| {
            Raised::new(
                "TypeError",
                format!("{}: {name}: is missing", self.author.tool),
            )
        })
    }

    fn optional_text(&self, name: &str) -> Result<Option<&str>, Raised> {
        match self.arguments.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                let message = format!("{}: {name}: is not a string", self.author.tool);
                Err(Raised::new("TypeError", message))
            }
        }
    }
}

/// A tool: its parameters in the order of the call, and those with a default.
struct Operation {
    name: &'static str,
    description: &'static str,
    required: &'static [Parameter],
    optional: &'static [Parameter],
    returns: &'static str,
    run: Run,
}

struct Parameter {
    name: &'static str,
    description: &'static str,
}

const FILE_PATH: Parameter = Parameter {
    name: "file_path",
    description: "Path of the file, from the root of the memory.",
};

const DIR_PATH: Parameter = Parameter {
    name: "dir_path",
    description: "Path of the directory, from the root of the memory.",
};

const SIZE_PATH: Parameter = Parameter {
    name: "file_or_dir_path",
    description: "Path of a file or directory; empty for the whole memory.",
};

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "create_file",
        description: "Write a file of the memory, with the directories above it. Whatever it held before is replaced.",
        required: &[FILE_PATH],
        optional: &[Parameter {
            name: "content",
            description: "What the file will hold.",
        }],
        returns: "boolean",
        run: |call| {
            let content = call.optional_text("content")?.unwrap_or_default();
            let path = call.text("file_path")?;
            call.memory
                .create_file(call.author, path, content)
                .map(Value::from)
        },
    },
    Operation {
        name: "create_dir",
        description: "Make a directory of the memory, with those above it. True if it is there afterwards.",
        required: &[DIR_PATH],
        optional: &[],
        returns: "boolean",
        run: |call| {
            Ok(call
                .memory
                .create_dir(call.author, call.text("dir_path")?)
                .into())
        },
    },
    Operation {
        name: "update_file",
        description: "Replace the first occurrence of a text in a file. True, or a string that says what is wrong.",
        required: &[
            FILE_PATH,
            Parameter {
                name: "old_content",
                description: "The text to find, exactly as it stands in the file.",
            },
            Parameter {
                name: "new_content",
                description: "The text to put in its place.",
            },
        ],
        optional: &[],
        returns: "boolean or string",
        run: |call| {
            let (old, new) = (call.text("old_content")?, call.text("new_content")?);
            let path = call.text("file_path")?;
            let updated = call.memory.update_file(call.author, path, old, new);
            if let (Some(warning), Some(show)) = (updated.warning, call.warnings) {
                show(call.author.session, &warning);
            }
            Ok(updated
                .result
                .map_or_else(Value::from, |()| Value::from(true)))
        },
    },
    Operation {
        name: "read_file",
        description: "The text of a file, or a string that begins with `Error:`.",
        required: &[FILE_PATH],
        optional: &[],
        returns: "string",
        run: |call| Ok(call.memory.read_file(call.text("file_path")?).into()),
    },
    Operation {
        name: "delete_file",
        description: "Delete a file. False if that is not possible.",
        required: &[FILE_PATH],
        optional: &[],
        returns: "boolean",
        run: |call| {
            Ok(call
                .memory
                .delete_file(call.author, call.text("file_path")?)
                .into())
        },
    },
    Operation {
        name: "check_if_file_exists",
        description: "Whether there is a file at the path.",
        required: &[FILE_PATH],
        optional: &[],
        returns: "boolean",
        run: |call| {
            Ok(call
                .memory
                .check_if_file_exists(call.text("file_path")?)
                .into())
        },
    },
    Operation {
        name: "check_if_dir_exists",
        description: "Whether there is a directory at the path.",
        required: &[DIR_PATH],
        optional: &[],
        returns: "boolean",
        run: |call| {
            Ok(call
                .memory
                .check_if_dir_exists(call.text("dir_path")?)
                .into())
        },
    },
    Operation {
        name: "list_files",
        description: "The tree of the memory's files and directories, as text.",
        required: &[],
        optional: &[],
        returns: "string",
        run: |call| Ok(call.memory.list_files().into()),
    },
    Operation {
        name: "get_size",
        description: "The size of a file, or of everything in a directory, in bytes.",
        required: &[SIZE_PATH],
        optional: &[],
        returns: "integer",
        run: |call| {
            let path = match call.memory.is_extended() {
                true => call.optional_text("file_or_dir_path")?.unwrap_or_default(),
                false => call.text("file_or_dir_path")?,
            };
            call.memory.get_size(path).map(Value::from)
        },
    },
    Operation {
        name: "go_to_link",
        description: "The text of the file that a link such as `[[entities/ada.md]]` names, or a string that begins with `Error:`.",
        required: &[Parameter {
            name: "link_string",
            description: "The link, in double brackets, or a path.",
        }],
        optional: &[],
        returns: "string",
        run: |call| Ok(call.memory.go_to_link(call.text("link_string")?).into()),
    },
];

impl Operation {
    fn spec(&self, mode: Mode) -> ToolSpec {
        let size_is_optional = mode == Mode::Extended && self.name == "get_size";
        let (required, optional) = match size_is_optional {
            true => (self.optional, self.required),
            false => (self.required, self.optional),
        };
        let mut properties = Map::new();
        for (parameter, is_optional) in required
            .iter()
            .map(|parameter| (parameter, false))
            .chain(optional.iter().map(|parameter| (parameter, true)))
        {
            let mut schema = Map::new();
            // The trained model's operations take whatever they are given.
            if mode == Mode::Extended {
                schema.insert("type".to_owned(), "string".into());
            }
            schema.insert("description".to_owned(), parameter.description.into());
            if is_optional {
                schema.insert("default".to_owned(), "".into());
            }
            properties.insert(parameter.name.to_owned(), schema.into());
        }
        let names: Vec<&str> = required.iter().map(|parameter| parameter.name).collect();
        let kinds: Vec<&str> = self.returns.split(" or ").collect();
        let returns = match kinds.as_slice() {
            [kind] => json!({"type": kind}),
            kinds => json!({"type": kinds}),
        };
        ToolSpec {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            parameters: json!({
                "type": "object",
                "properties": properties,
                "required": names,
                "additionalProperties": false,
            }),
            returns: Some(returns),
            timeout: None,
        }
    }
}
