//! What a policy says of agents.

use crate::support::{after, by, coder, reactor, runs, says, shown};
use memex_agent::{Agent, RunRequest};
use memex_models::{Script, ScriptedModel};
use memex_trajectories::Status;
use std::sync::Arc;

#[test]
fn the_policy_bounds_agents_and_their_depth() {
    // As many as the policy allows are spawned; one more, or one deeper, is not.
    let spawn = "print(*[spawn_agent('go').result() for _ in range(2)])\nspawn_agent('one more')";
    let table = [
        (2, 1, "said said", "has spawned its 2 agents"),
        (0, 3, "", "NameError: name 'spawn_agent' is not defined"),
        (9, 0, "", "NameError: name 'spawn_agent' is not defined"),
    ];
    for (agents, depth, printed, refused) in table {
        let place = memex_tests::sandbox(|policy| {
            policy.limits.agents = agents;
            policy.limits.agent_depth = depth;
        });
        let replies = vec![
            by("agent", runs(spawn)),
            by("agent", after(refused, says("done"))),
            by("child", runs("spawn_agent('deeper')")),
            by("child", after("NameError", says("said"))),
        ];
        let model = ScriptedModel::new("script", Script::new("test", replies));
        let agent = Agent::builder(coder(), Arc::new(model), reactor())
            .sandbox(place)
            .build()
            .unwrap();
        let result = agent.run(RunRequest::new("Spawn.")).unwrap();
        assert_eq!(result.status, Status::Answered, "{:?}", shown(&result));
        assert!(shown(&result)[0].contains(printed), "{:?}", shown(&result));
        assert_eq!(
            result.trajectory.children.len() as u64,
            agents.min(depth * 2)
        );
    }
}
