//! Tool definitions as model APIs write them, and the Python that is made of
//! their schemas.
#![no_main]

use libfuzzer_sys::fuzz_target;
use memex_external::{anthropic_tool_specs, openai_tool_specs};
use memex_host_tools::{Answer, Arguments, CallContext, Form, Tool, ToolFuture, ToolSpec, Toolbox};
use serde_json::Value;
use std::sync::Arc;

fuzz_target!(|bytes: &[u8]| {
    let Ok(tools) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    for specs in [openai_tool_specs(&tools), anthropic_tool_specs(&tools)] {
        match specs {
            Ok(specs) => define(specs),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});

fn define(specs: Vec<ToolSpec>) {
    let tools = specs
        .into_iter()
        .map(|spec| Arc::new(Silent(spec)) as Arc<dyn Tool>);
    let toolbox = match Toolbox::builder().tools(tools).build() {
        Ok(toolbox) => toolbox,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for entry in toolbox.iter() {
        assert!(!entry.source().is_empty());
        assert!(!entry.stub(Form::Full).is_empty());
        if let Err(refused) = entry.check(&Value::Object(serde_json::Map::new())) {
            assert!(!refused.message.is_empty());
        }
    }
}

struct Silent(ToolSpec);

impl Tool for Silent {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(&self, _: CallContext, _: Arguments) -> ToolFuture {
        Box::pin(std::future::ready(Ok(Answer::default())))
    }
}
