//! Making a toolbox: everything that is wrong with it is told here.

use super::entry::ToolEntry;
use super::tools::Toolbox;
use super::{identifiers, shape};
use crate::Error;
use crate::tool::{Tool, ToolSpec};
use std::collections::HashMap;
use std::sync::Arc;

/// Most tools of a toolbox.
pub const TOOLBOX_TOOLS_MAX: usize = 100_000;
/// Most bytes of a tool's name.
pub const TOOL_NAME_MAX_BYTES: usize = 128;

/// Collects tools for a [`Toolbox`].
#[derive(Default)]
pub struct ToolboxBuilder {
    tools: Vec<Arc<dyn Tool>>,
}

impl Toolbox {
    /// Starts a toolbox, without tools.
    #[must_use]
    pub fn builder() -> ToolboxBuilder {
        ToolboxBuilder::default()
    }
}

impl ToolboxBuilder {
    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.push(tool);
        self
    }

    /// Adds tools.
    #[must_use]
    pub fn tools(mut self, tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        self.tools.extend(tools);
        self
    }

    /// The toolbox. Schemas are checked for shape here (objects where objects
    /// belong, known types, references that lead somewhere, bounded size) and
    /// compiled when first used; [`Toolbox::compile`] does that now.
    ///
    /// # Errors
    /// When there are too many tools, two have the same name, or one has a name
    /// or a schema that cannot be used.
    pub fn build(self) -> Result<Toolbox, Error> {
        if self.tools.len() > TOOLBOX_TOOLS_MAX {
            return Err(Error::TooManyTools {
                max: TOOLBOX_TOOLS_MAX,
            });
        }
        let mut by_name = HashMap::with_capacity(self.tools.len());
        for (index, tool) in self.tools.iter().enumerate() {
            let spec = tool.spec();
            check(spec)?;
            if by_name.insert(spec.name.clone(), index).is_some() {
                return Err(Error::DuplicateTool {
                    name: spec.name.clone(),
                });
            }
        }
        let names: Vec<&str> = self.tools.iter().map(|t| t.spec().name.as_str()).collect();
        let identifiers = identifiers::unique(&names);
        let entries: Vec<ToolEntry> = self
            .tools
            .into_iter()
            .zip(identifiers)
            .map(|(tool, identifier)| ToolEntry::new(tool, identifier))
            .collect();
        Ok(Toolbox::new(entries, by_name))
    }
}

fn check(spec: &ToolSpec) -> Result<(), Error> {
    let refuse = |reason| {
        Err(Error::ToolName {
            name: spec.name.chars().take(TOOL_NAME_MAX_BYTES).collect(),
            reason,
        })
    };
    if spec.name.is_empty() {
        return refuse("it is empty");
    }
    if spec.name.len() > TOOL_NAME_MAX_BYTES {
        return refuse("it is longer than 128 bytes");
    }
    // What a policy can grant.
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    if !spec.name.chars().all(allowed) {
        return refuse("a tool's name is made of ASCII letters, digits and `_ - . : /`");
    }
    shape::check(&spec.name, "parameters", &spec.parameters)?;
    if let Some(returns) = &spec.returns {
        shape::check(&spec.name, "returns", returns)?;
    }
    Ok(())
}

impl std::fmt::Debug for ToolboxBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.tools.iter().map(|tool| &tool.spec().name);
        f.debug_list().entries(names).finish()
    }
}
