//! Names under which code reaches what is told of.

use crate::support::{Number, coder, reactor, runs, says, shown};
use memex_agent::{Agent, RunRequest, RunResult};
use memex_host_tools::{Tool, Toolbox, immediate};
use memex_models::{Script, ScriptedModel};
use std::sync::Arc;

fn doubling(name: &str) -> Arc<dyn Tool> {
    Arc::new(immediate(name, "Twice a number.", |_, given: Number| {
        Ok(given.number * 2.0)
    }))
}

fn run(names: &[&str], code: &str) -> RunResult {
    let model = ScriptedModel::new(
        "script",
        Script::new("test", vec![runs(code), says("done")]),
    );
    let grants = memex_tests::sandbox(|policy| policy.tools.allow = vec!["*".into()]);
    Agent::builder(coder(), Arc::new(model), reactor())
        .sandbox(grants)
        .tools(names.iter().map(|name| doubling(name)))
        .build()
        .unwrap()
        .run(RunRequest::new("Go."))
        .unwrap()
}

#[test]
fn tools_are_reached_by_the_names_that_their_stubs_show() {
    let names = [
        "open",
        "print",
        "list",
        "filter",
        "show",
        "tools",
        "exit",
        "import",
        "json",
        "re",
        "pd",
        "get.user/by-id",
        "plain",
    ];
    let toolbox = Toolbox::builder()
        .tools(names.map(doubling))
        .build()
        .unwrap();
    let identifiers: Vec<&str> = names
        .iter()
        .map(|name| toolbox.get(name).unwrap().identifier())
        .collect();
    assert_eq!(identifiers[..2], ["open_", "print_"]);
    // A name that is free stays.
    assert_eq!(identifiers[8..11], ["json", "re", "pd"]);
    let calls: Vec<String> = identifiers
        .iter()
        .map(|name| format!("{name}(number=2)"))
        .collect();
    let by_name: Vec<String> = names
        .iter()
        .map(|name| format!("tools[{name:?}](number=3)"))
        .collect();
    let code = format!("[{}, {}]", calls.join(", "), by_name.join(", "));
    let result = run(&names, &code);
    let expected = format!(
        "[{}]",
        [vec!["4.0"; names.len()], vec!["6.0"; names.len()]]
            .concat()
            .join(", ")
    );
    assert_eq!(shown(&result), [expected]);
    let system = &result.trajectory.steps[0].text;
    for name in identifiers {
        assert!(
            system.contains(&format!("def {name}(number: float)")),
            "{name}: {system}"
        );
    }
}

/// Whatever a guest has among its builtins is what a bare name means there.
#[test]
fn no_tool_is_told_of_under_the_name_of_a_builtin() {
    let code = "import builtins\n' '.join(n for n in vars(builtins) if n[0] != '_' and n not in ('None', 'True', 'False'))";
    let result = run(&[], code);
    let shown = shown(&result);
    let names: Vec<&str> = shown[0].trim_matches('\'').split(' ').collect();
    assert!(names.contains(&"open") && names.len() > 100, "{names:?}");
    let tools = names.iter().map(|name| doubling(name));
    let toolbox = Toolbox::builder().tools(tools).build().unwrap();
    for name in names {
        assert_eq!(toolbox.get(name).unwrap().identifier(), format!("{name}_"));
    }
}
