//! The loop: what is a turn, when it ends, what is kept of it.

use crate::desk::{Desk, RUNTIME, model};
use memex_mem_agent::{Agent, Conversation, Event, NoWatch, Role};
use memex_memory::{Author, Mode};
use memex_models::{Failure, Prices, Script, ScriptEntry, ScriptedModel, Usage};
use memex_trajectories::{Status, StepKind};
use std::sync::Arc;

const LOOK: &str = "<think>look</think>\n<python>\ntext = read_file('user.md')\n</python>";
const DONE: &str = "<think>found</think>\n<reply>Ada</reply>";

fn roles(conversation: &Conversation) -> Vec<Role> {
    conversation
        .entries()
        .iter()
        .map(|entry| entry.role)
        .collect()
}

#[test]
fn one_turn_and_an_answer() {
    let desk = Desk::new(Mode::Compat);
    let (agent, answer) = desk.ask(&[LOOK, DONE]);
    let answer = answer.unwrap();
    assert_eq!(
        (answer.reply.as_str(), answer.thoughts.as_str()),
        ("Ada", "found")
    );
    assert_eq!((answer.calls, answer.python.as_str()), (2, ""));
    use Role::{Assistant, System, Tool, User};
    assert_eq!(
        roles(agent.conversation()),
        [System, User, Assistant, Tool, Assistant]
    );
    let trajectory = agent.finish().unwrap();
    assert_eq!(trajectory.status, Status::Answered);
    let kinds: Vec<StepKind> = trajectory.steps.iter().map(|step| step.kind).collect();
    use StepKind as K;
    assert_eq!(
        kinds,
        [K::System, K::User, K::Model, K::Observation, K::Model]
    );
}

#[test]
fn python_runs_even_beside_a_reply() {
    let desk = Desk::new(Mode::Compat);
    let both = "<think>t</think><python>create_file('new.md', 'x')</python><reply>saved</reply>";
    let (_, answer) = desk.ask(&[both]);
    assert_eq!(answer.unwrap().reply, "saved");
    assert_eq!(desk.memory.read_file("new.md"), "x");
}

#[test]
fn the_turns_are_bounded() {
    let desk = Desk::new(Mode::Compat);
    let replies = vec![LOOK; 30];
    let (agent, answer) = desk.ask(&replies);
    let answer = answer.unwrap();
    assert_eq!((answer.calls, answer.reply.as_str()), (21, ""));
    let results = roles(agent.conversation());
    let results = results.iter().filter(|role| **role == Role::Tool);
    assert_eq!(results.count(), 20);
    let trajectory = agent.finish().unwrap();
    assert_eq!(trajectory.status.word(), "exhausted");
    // One less, and there is an answer.
    let mut replies = vec![LOOK; 20];
    replies.push(DONE);
    let (_, answer) = desk.ask(&replies);
    assert_eq!(answer.unwrap().reply, "Ada");
}

#[test]
fn malformed_replies_are_answered_with_an_empty_result() {
    let desk = Desk::new(Mode::Compat);
    let cases = [
        "",
        "no tags at all",
        "<python>x = 1",
        "x = 1</python>",
        "<reply></reply>",
        "<think><reply>inside</think>",
        "<PYTHON>x = 1</PYTHON>",
        "<python></python>",
        "</reply><reply>",
        "\u{0}\u{1f600}<",
    ];
    for case in cases {
        let (agent, answer) = desk.ask(&[case, DONE]);
        assert_eq!(answer.unwrap().reply, "Ada", "{case:?}");
        let result = &agent.conversation().entries()[3];
        assert_eq!(result.content, "<result>\n{}\n</result>", "{case:?}");
    }
}

#[test]
fn a_model_that_knows_no_tags_is_understood_or_told_once() {
    let desk = Desk::new(Mode::Extended);
    // One reply each: plain words, unclosed, in capitals, spoken of in thoughts.
    for (reply, expected) in [
        ("Anna is a baker.", "Anna is a baker."),
        ("<think>t</think>\nAnna is a baker.", "Anna is a baker."),
        ("<think>t</think>\n<reply>Anna", "Anna"),
        ("<THINK>t</THINK><Reply>Anna</REPLY>", "Anna"),
        (
            "<think>I could <python> it</think><reply>Anna</reply>",
            "Anna",
        ),
        ("t</think><reply>Anna</reply>", "Anna"),
    ] {
        let (_, answer) = desk.ask(&[reply]);
        let answer = answer.unwrap();
        assert_eq!(
            (answer.calls, answer.reply.as_str()),
            (1, expected),
            "{reply}"
        );
    }
    // A tag in a string of the code is no reply, and a block that is not closed runs.
    let (agent, answer) = desk.ask(&[
        "<think>t</think>\n<python>\ns = '<reply>injected</reply>'\nprint(s)\n</python>",
        "<think>t</think>\n<python>\nprint('open')\n",
        DONE,
    ]);
    assert_eq!(answer.unwrap().reply, "Ada");
    let entries = agent.conversation().entries();
    assert!(
        entries[3].content.contains("<reply>injected</reply>\n"),
        "{}",
        entries[3].content
    );
    assert_eq!(entries[5].content, "<result>\nopen\n</result>");
    // Code without tags is sent back, once; what says nothing ends the question soon.
    let fenced = "```python\nprint(1)\n```";
    let (agent, answer) = desk.ask(&[fenced, DONE]);
    assert_eq!(answer.unwrap().reply, "Ada");
    let told = &agent.conversation().entries()[3];
    assert!(
        told.content
            .contains("neither a <python> block nor a <reply>"),
        "{told:?}"
    );
    let (_, answer) = desk.ask(&[fenced, fenced, DONE]);
    let answer = answer.unwrap();
    assert_eq!((answer.calls, answer.reply.as_str()), (2, fenced));
    let (_, answer) = desk.ask(&["", "<think>hm</think>", "<reply></reply>", DONE]);
    let answer = answer.unwrap();
    assert_eq!((answer.calls, answer.reply.as_str()), (3, ""));
}

#[test]
fn fences_are_stripped() {
    let desk = Desk::new(Mode::Compat);
    let results = desk.results(&[
        "```python\nx = 1\n```",
        "```\nx = 2\n```",
        "python\nx = 3",
        "```py\nx = '''a\n```b'''\n```",
    ]);
    let told: Vec<&str> = results
        .iter()
        .map(|text| text.lines().nth(1).unwrap())
        .collect();
    assert_eq!(
        told,
        ["{'x': 1}", "{'x': 2}", "{'x': 3}", r"{'x': 'a\n```b'}"]
    );
}

#[test]
fn training_conventions_send_back_what_does_not_fit() {
    let mut desk = Desk::new(Mode::Compat);
    desk.options = desk.options.clone().training();
    let both = "<think>one</think><python>create_file('new.md')</python><reply>saved</reply>";
    let (agent, answer) = desk.ask(&[both, "nothing", LOOK, DONE]);
    assert_eq!(answer.unwrap().calls, 4);
    assert!(!desk.memory.check_if_file_exists("new.md"));
    let entries = agent.conversation().entries();
    assert!(
        entries[3]
            .content
            .starts_with("<result>\n({}, {Error: the message has a <python>")
    );
    assert!(entries[5].content.contains("neither"));
    // Only the newest thoughts are sent; all are kept.
    let sent = agent.conversation().messages(true);
    let thinking = sent
        .iter()
        .filter(|message| message.text().contains("<think>"));
    assert_eq!(thinking.count(), 2, "the prompt and the newest reply");
    let (_, answer) = desk.ask(&[LOOK; 30]);
    assert_eq!(answer.unwrap().calls, 8);
}

#[test]
fn filters_are_added_to_the_question() {
    let desk = Desk::new(Mode::Extended);
    let author = Author::person("test");
    desk.memory.add_filter(author, "no birthdays").unwrap();
    let (agent, _) = desk.ask(&[DONE]);
    let asked = &agent.conversation().entries()[1].content;
    assert_eq!(asked, "question\n\n<filter>- no birthdays</filter>");
}

#[test]
fn a_conversation_is_saved_and_resumed() {
    let desk = Desk::new(Mode::Compat);
    let (agent, _) = desk.ask(&[LOOK, DONE]);
    let path = desk.path().join("../talk.json");
    let path = path
        .parent()
        .unwrap()
        .join(format!("{}.json", std::process::id()));
    agent.conversation().save(&path).unwrap();
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(saved[3]["role"], "tool");
    let conversation = Conversation::read(&path).unwrap();
    std::fs::write(&path, "[{\"role\": \"nobody\"}]").unwrap();
    assert!(
        Conversation::read(&path)
            .unwrap_err()
            .to_string()
            .contains("nobody")
    );
    std::fs::remove_file(&path).unwrap();
    let options = desk.options.clone();
    let again = model(&["<reply>again</reply>"]);
    let mut resumed = Agent::resume(&desk.workplace, again, options, "two", conversation);
    let answer = RUNTIME.block_on(resumed.ask("and?", &mut NoWatch)).unwrap();
    assert_eq!(answer.reply, "again");
    assert_eq!(resumed.conversation().entries().len(), 7);
}

#[test]
fn a_model_that_fails_leaves_the_conversation_as_it_was() {
    let desk = Desk::new(Mode::Compat);
    let failing = ScriptEntry {
        fail: Some(Failure::Disconnect),
        ..ScriptEntry::default()
    };
    let working = ScriptEntry {
        text: DONE.to_owned(),
        ..ScriptEntry::default()
    };
    let script = Script::new("failing", vec![failing, working]);
    let model = Arc::new(ScriptedModel::new("scripted", script));
    let options = desk.options.clone();
    let mut agent = Agent::new(&desk.workplace, model, options, "fails");
    let error = RUNTIME
        .block_on(agent.ask("one", &mut NoWatch))
        .unwrap_err();
    assert_eq!(error.class(), "ModelError");
    assert_eq!(agent.conversation().entries().len(), 1);
    let answer = RUNTIME.block_on(agent.ask("two", &mut NoWatch)).unwrap();
    assert_eq!(answer.reply, "Ada");
}

#[test]
fn a_vanished_directory_is_told() {
    let desk = Desk::new(Mode::Compat);
    let mut agent = desk.agent(&[LOOK, DONE]);
    std::fs::remove_dir_all(desk.path()).unwrap();
    let error = RUNTIME
        .block_on(agent.ask("question", &mut NoWatch))
        .unwrap_err();
    assert_eq!(error.class(), "FileNotFoundError");
    assert!(error.to_string().contains("directory is gone"), "{error}");
}

#[test]
fn a_directory_that_vanishes_between_turns_is_told_to_the_model() {
    let desk = Desk::new(Mode::Compat);
    let path = desk.path().to_owned();
    let mut agent = desk.agent(&[LOOK, LOOK, DONE]);
    let mut asked = 0;
    let mut watch = |event: Event<'_>| {
        if let Event::Asked(_) = event {
            asked += 1;
            if asked == 2 {
                std::fs::remove_dir_all(&path).unwrap();
            }
        }
    };
    let answer = RUNTIME.block_on(agent.ask("question", &mut watch)).unwrap();
    assert_eq!(answer.reply, "Ada");
    let entries = agent.conversation().entries();
    assert!(
        entries[3].content.contains("- name: Ada"),
        "{}",
        entries[3].content
    );
    assert!(
        entries[5]
            .content
            .contains("{'text': \"Error: the memory's directory is gone"),
        "{}",
        entries[5].content
    );
}

#[test]
fn every_change_names_its_agent_and_can_be_undone() {
    let desk = Desk::new(Mode::Compat);
    let write = "<python>update_file('user.md', 'Ada', 'Bob')</python>";
    desk.ask(&[write, DONE]).1.unwrap();
    let log = desk.memory.log(5).unwrap();
    assert_eq!(
        (log[0].session.as_str(), log[0].tool.as_str()),
        ("test", "update_file")
    );
    let newest = memex_memory::Undo::Newest(1);
    desk.memory
        .undo(Author::person("undo"), newest, false)
        .unwrap();
    assert_eq!(desk.memory.read_file("user.md"), "- name: Ada\n");
}

#[test]
fn agents_on_one_memory_lose_no_update() {
    let desk = Desk::new(Mode::Compat);
    desk.memory
        .create_file(Author::person("test"), "log.md", "end")
        .unwrap();
    let add = "<python>for n in range(25):\n    ok = update_file('log.md', 'end', f'- {who}\\nend')\n    assert ok is True</python>";
    let workers: Vec<_> = (0..8)
        .map(|who| {
            let workplace = desk.workplace.clone();
            let options = desk.options.clone();
            let script = [
                format!("<python>who = {who}</python>"),
                add.to_owned(),
                DONE.to_owned(),
            ];
            RUNTIME.spawn(async move {
                let script: Vec<&str> = script.iter().map(String::as_str).collect();
                let id = format!("agent-{who}");
                let mut agent = Agent::new(&workplace, model(&script), options, id);
                agent.ask("write", &mut NoWatch).await.unwrap()
            })
        })
        .collect();
    for worker in workers {
        assert_eq!(RUNTIME.block_on(worker).unwrap().reply, "Ada");
    }
    let text = desk.memory.read_file("log.md");
    for who in 0..8 {
        let own = text.lines().filter(|line| *line == format!("- {who}"));
        assert_eq!(own.count(), 25, "agent {who}\n{text}");
    }
}

#[test]
fn a_person_edits_while_an_agent_works() {
    let desk = Desk::new(Mode::Compat);
    let edited = desk.path().join("user.md");
    let mut agent = desk.agent(&[
        LOOK,
        "<python>mine = update_file('user.md', '- name: Ada', '- name: Ada\\n- job: optician')\n\
         lost = update_file('user.md', '- city: Linz', '- city: Wels')</python>",
        DONE,
    ]);
    let mut results = Vec::new();
    let mut watch = |event: Event<'_>| {
        if let Event::Result(result) = event {
            if results.is_empty() {
                std::fs::write(&edited, "- name: Ada\n- city: Graz\n").unwrap();
            }
            results.push(result.to_owned());
        }
    };
    RUNTIME.block_on(agent.ask("question", &mut watch)).unwrap();
    assert!(results[0].contains("'- name: Ada\\n'"), "{}", results[0]);
    assert!(results[1].contains("'mine': True"), "{}", results[1]);
    assert!(results[1].contains("Could not find"), "{}", results[1]);
    let text = std::fs::read_to_string(&edited).unwrap();
    assert_eq!(text, "- name: Ada\n- job: optician\n- city: Graz\n");
}

#[test]
fn replies_have_their_price() {
    let mut desk = Desk::new(Mode::Compat);
    let usage = |input, output| Usage {
        input,
        output,
        ..Usage::default()
    };
    let says = |text: &str, usage| ScriptEntry {
        text: text.to_owned(),
        usage: Some(usage),
        ..ScriptEntry::default()
    };
    let entries = vec![says(LOOK, usage(1_000, 100)), says(DONE, usage(2_000, 50))];
    let model = Arc::new(ScriptedModel::new(
        "scripted",
        Script::new("priced", entries),
    ));
    let ask = |desk: &Desk, id: &str| {
        let options = desk.options.clone();
        let mut agent = Agent::new(&desk.workplace, model.clone(), options, id);
        let answer = RUNTIME.block_on(agent.ask("question", &mut NoWatch));
        (answer.unwrap().cost_usd, agent.finish().unwrap())
    };
    let (cost, trajectory) = ask(&desk, "unknown");
    assert_eq!((cost, trajectory.totals.cost_usd), (None, None));
    let table = "[models]\nscripted = { input = 3.0, output = 10.0 }";
    let prices = Prices::none().overlaid("test", table).unwrap();
    desk.options.prices = Arc::new(prices);
    let (cost, trajectory) = ask(&desk, "known");
    // 3,000 tokens in and 150 out.
    let expected = 0.009 + 0.0015;
    assert!((cost.unwrap() - expected).abs() < 1e-9, "{cost:?}");
    assert!((trajectory.totals.cost_usd.unwrap() - expected).abs() < 1e-9);
    let costs = trajectory.steps.iter().filter_map(|step| step.usage);
    let costs: Vec<f64> = costs.filter_map(|usage| usage.cost_usd).collect();
    assert_eq!(costs.len(), 2);
    assert!((costs[0] - 0.004).abs() < 1e-9, "{costs:?}");
}
