//! Everything that a run needs before it begins.

use std::sync::Arc;
use std::time::Duration;

use memex_host_tools::{Broker, Budget, Tool, ToolEntry, ToolSpec, Toolbox};
use memex_policies::ToolGrants;
use memex_trajectories::{ActionSpace, Header, Parent, Timestamp};
use parking_lot::Mutex;
use serde_json::Map;

use super::hands::Hands;
use crate::approval::{APPROVAL_MAX, is_named};
use crate::children::{
    Family, Head, SETUP, WaitTool, begin_child, begin_run, question_tool, spawn_tools,
};
use crate::harness::{
    HarnessCalls, INTERPRETER_MAX, Inputs, InterpreterTool, OpenScope, PYTHON_EXEC, SUBMIT,
    SubmissionSlot, SubmitTool, WAIT_TOOL,
};
use crate::inputs::Loaded;
use crate::recorder::Recorder;
use crate::results::Results;
use crate::scope::{Equipment, Place, Spawner};
use crate::{Backend, Error, OutputSchema, prompt};

/// How much longer a question to a model may take than a call of a tool.
const QUESTION_MAX: Duration = Duration::from_secs(600);

/// Says in a record that the scope began with objects that are nowhere in it.
pub(crate) const BEGAN_IN_SCOPE: &str = "began_in_scope";

pub(crate) struct Plan {
    pub(crate) head: Head,
    pub(crate) name: String,
    pub(crate) task: String,
    pub(crate) task_id: Option<String>,
    pub(crate) output: Option<OutputSchema>,
    pub(crate) loaded: Loaded,
    /// What models are told of objects that the scope begins with beside inputs.
    pub(crate) described: Vec<String>,
    /// The run whose record this one begins with.
    pub(crate) goes_on_from: Option<String>,
    /// Whether the scope is there already, left by a session or another run.
    pub(crate) begins_in_scope: bool,
    pub(crate) parent: Option<Parent>,
    /// Where its code runs, if there is a place for it.
    pub(crate) place: Option<Box<dyn Place>>,
    /// The code that its scope begins with. None: that of its inputs.
    pub(crate) setup: Option<String>,
    /// Makes what its code asks for agents: a run does not know how others are
    /// begun.
    pub(crate) spawner: fn(&Arc<Family>) -> Arc<dyn Spawner>,
}

impl Plan {
    /// The first line of the trajectory.
    pub(crate) fn header(&self) -> Result<Header, Error> {
        let config = &self.head.agent.inner.config;
        let (toolbox, _) =
            self.toolbox(None, &SubmissionSlot::default(), &Results::default(), None)?;
        let mut metadata = Map::new();
        if let Some(output) = &self.output {
            metadata.insert("output".into(), output.schema().clone());
        }
        if !self.loaded.recorded.is_empty() {
            let inputs = self.loaded.recorded.iter().cloned();
            metadata.insert("inputs".into(), inputs.collect());
        }
        if self.begins_in_scope {
            metadata.insert(BEGAN_IN_SCOPE.into(), true.into());
        }
        if let Some(before) = &self.goes_on_from {
            metadata.insert("goes_on_from".into(), before.as_str().into());
        }
        Ok(Header {
            id: self.head.id.clone(),
            task: self.task.clone(),
            task_id: self.task_id.clone(),
            agent: memex_trajectories::Agent {
                name: self.name.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                action_space: config.action_space,
                model: self.head.model.name().to_owned(),
                provider: None,
                tools: prompt::recorded(&toolbox, &self.granted(&toolbox)),
            },
            started: Timestamp::now(),
            parent: self.parent.clone(),
            metadata,
        })
    }

    /// The toolbox of the run, and whether agents can be spawned.
    fn toolbox(
        &self,
        family: Option<&Arc<Family>>,
        slot: &SubmissionSlot,
        results: &Results,
        interpreter: Option<OpenScope>,
    ) -> Result<(Toolbox, bool), Error> {
        let head = &self.head;
        let inner = &head.agent.inner;
        let own = inner.tools.iter().chain(&self.loaded.served.0).cloned();
        let mut builder = Toolbox::builder().tools(own.map(|tool| results.watch(tool)));
        if let Some(output) = &self.output {
            builder = builder.tool(Arc::new(SubmitTool::new(output, slot.clone())));
        }
        let config = &inner.config;
        let in_code = config.action_space == ActionSpace::Code;
        if !in_code && config.python_exec.is_there() {
            // A record names the tool, and opens nothing.
            let open = interpreter.unwrap_or_else(|| Arc::new(|| Err(Error::Lost)));
            let tool = InterpreterTool::new(config.python_exec, config.observations, open);
            builder = builder.tool(Arc::new(tool));
        }
        if in_code && inner.config.agents.questions > 0 {
            builder = builder.tool(question_tool(
                &head.agent,
                &head.model,
                &head.ledger,
                &head.tree,
            ));
        }
        let spawns = in_code && self.may_spawn();
        if spawns {
            builder = builder.tools(spawn_tools());
            if let Some(family) = family {
                builder = builder.tool(Arc::new(WaitTool::new(family)) as Arc<dyn Tool>);
            }
        }
        Ok((builder.build()?, spawns))
    }

    fn may_spawn(&self) -> bool {
        let inner = &self.head.agent.inner;
        // A session on a server cannot be forked in the middle of a turn.
        if inner.config.backend == Backend::Hosted {
            return false;
        }
        let (own, policy) = (&inner.config.agents, &inner.policy.limits);
        let depth = own.depth.min(policy.agent_depth);
        let agents = own.agents.min(policy.agents);
        self.head.depth < depth && agents > 0
    }

    /// The tools that the policy grants, and the harness's own.
    fn granted(&self, toolbox: &Toolbox) -> ToolGrants {
        let mut grants = self.head.grants.clone();
        let served = self.loaded.served.0.iter();
        let served = served.map(|tool| tool.spec().name.as_str());
        let own = [SUBMIT, "llm", "spawn_agent", "map_agents", WAIT_TOOL];
        let interpreter = Some(PYTHON_EXEC).filter(|_| self.has_interpreter());
        for own in own.into_iter().chain(interpreter).chain(served) {
            if toolbox.get(own).is_some() && !grants.allow.iter().any(|name| name == own) {
                grants.allow.push(own.to_owned());
            }
        }
        grants
    }

    /// Whether Python runs as a tool.
    fn has_interpreter(&self) -> bool {
        let config = &self.head.agent.inner.config;
        config.action_space == ActionSpace::Tools && config.python_exec.is_there()
    }

    /// What makes the scope of a tool that runs Python: with the inputs, and without tools.
    fn interpreter(&mut self) -> OpenScope {
        let agent = self.head.agent.clone();
        let inputs: Inputs = Arc::new(std::mem::take(&mut self.loaded.contents));
        let setup = std::mem::take(&mut self.loaded.setup);
        Arc::new(move || {
            let place = agent.inner.place(None)?;
            let place = place.ok_or_else(|| Error::setting("python_exec", "needs a sandbox"))?;
            let toolbox = Toolbox::builder().build()?;
            let handle = agent.inner.reactor.handle().clone();
            let broker = Broker::builder(toolbox, ToolGrants::default(), handle);
            let inputs = Arc::clone(&inputs);
            let object_max_bytes = agent.inner.config.agents.object_max_bytes;
            let brought = Arc::clone(&inputs);
            let calls = move || HarnessCalls {
                broker: broker.clone().build(),
                slot: SubmissionSlot::default(),
                board: None,
                inputs: Arc::clone(&inputs),
                object_max_bytes,
            };
            let equipment = Equipment {
                calls: Box::new(move || Box::new(calls())),
                spawner: None,
                offered: Vec::new(),
                inputs: brought,
            };
            place.open(equipment, setup.clone())
        })
    }

    /// Turns the plan into what the loop works with.
    pub(crate) fn prepare(mut self, recorder: &Arc<Mutex<Recorder>>) -> Result<Prepared, Error> {
        let agent = self.head.agent.clone();
        let inner = &agent.inner;
        let slot = SubmissionSlot::default();
        let family = Arc::new(Family::new(self.head.clone(), recorder));
        let results = Results::default();
        let interpreter = self.has_interpreter().then(|| self.interpreter());
        let (toolbox, spawns) = self.toolbox(Some(&family), &slot, &results, interpreter)?;
        let grants = self.granted(&toolbox);
        let budget = Budget::from(&inner.policy.limits);
        let mut broker = Broker::builder(
            toolbox.clone(),
            grants.clone(),
            inner.reactor.handle().clone(),
        )
        .session(&self.head.id)
        .budget(budget)
        .patience("llm", QUESTION_MAX)
        .patience(PYTHON_EXEC, INTERPRETER_MAX);
        for entry in &toolbox {
            let name = &entry.spec().name;
            if is_named(name, &inner.config.approve) {
                broker = broker.patience(name, APPROVAL_MAX);
            }
        }
        if let Some(audit) = &inner.audit {
            broker = broker.audit(Arc::clone(audit));
        }
        let permitted = toolbox.iter().map(ToolEntry::spec);
        let permitted =
            permitted.filter(|spec| spec.name != WAIT_TOOL && grants.permits(&spec.name));
        let offered: Vec<ToolSpec> = permitted.cloned().collect();
        let (filled, spawner) = (slot.clone(), spawns.then(|| (self.spawner)(&family)));
        let begins = begin_run(toolbox.iter().map(ToolEntry::identifier));
        let prepared = move |hands, described, notes| Prepared {
            hands,
            toolbox,
            grants,
            slot: filled,
            results,
            family,
            described,
            notes,
        };
        if inner.config.action_space == ActionSpace::Tools {
            let Loaded {
                described, notes, ..
            } = self.loaded;
            let hands = Hands::Tools(Box::new(broker.build()));
            return Ok(prepared(hands, described, notes));
        }
        let loaded = self.loaded;
        let (mut described, mut setup, notes) = (loaded.described, loaded.setup, loaded.notes);
        described.extend(self.described);
        let inputs: Inputs = Arc::new(loaded.contents);
        let brought = Arc::clone(&inputs);
        let board = self.head.tree.board.clone();
        let object_max_bytes = inner.config.agents.object_max_bytes;
        let calls = move || HarnessCalls {
            broker: broker.clone().build(),
            slot: slot.clone(),
            board: Some(board.clone()),
            inputs: Arc::clone(&inputs),
            object_max_bytes,
        };
        if spawns && self.head.depth == 0 {
            setup.insert_str(0, SETUP);
        }
        setup.insert_str(0, &begins);
        if self.begins_in_scope {
            // Functions of the harness in it are those of another run.
            setup.insert_str(0, &format!("{}\n", begin_child(None)));
        }
        let equipment = Equipment {
            calls: Box::new(move || Box::new(calls())),
            spawner,
            offered,
            inputs: brought,
        };
        let place = self
            .place
            .ok_or_else(|| Error::setting("backend", "is `in_process`, which needs a sandbox"))?;
        let scope = place.open(equipment, self.setup.unwrap_or(setup))?;
        Ok(prepared(Hands::Code(scope), described, notes))
    }
}

pub(crate) struct Prepared {
    pub(crate) hands: Hands,
    pub(crate) toolbox: Toolbox,
    pub(crate) grants: ToolGrants,
    pub(crate) slot: SubmissionSlot,
    /// What was noticed of the results of tools.
    pub(crate) results: Results,
    pub(crate) family: Arc<Family>,
    /// The inputs, as described to models.
    pub(crate) described: Vec<String>,
    /// What was guessed or changed in reading them.
    pub(crate) notes: Vec<String>,
}
