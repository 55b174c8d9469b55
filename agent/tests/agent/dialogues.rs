//! Questions one after the other, in a dialect and a scope of one's own.

use memex_agent::{
    Action, Answered, Budgets, Cancellation, Dialect, Dialogue, DialogueSettings, Error, NoWatcher,
    Ran, Scope, Stop, Stopper, Stopping, Watcher,
};
use memex_models::{Failure, Message, Prices, Reply, Request, Script, ScriptEntry, ScriptedModel};
use memex_trajectories::{Header, Status, Step, StepKind};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Speaks in one word and what belongs to it: `run CODE`, `both CODE`, `done
/// ANSWER`; anything else is nothing to act on.
#[derive(Clone, Default)]
struct Words(Request);

impl Dialect for Words {
    fn request(&self) -> Cow<'_, Request> {
        Cow::Borrowed(&self.0)
    }

    fn read(&mut self, reply: &Reply) -> Action {
        self.0.messages.push(reply.message.clone());
        let text = reply.message.text();
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let code = |answer: Option<&str>| Action::Code {
            code: rest.to_owned(),
            call_id: None,
            note: None,
            others: Vec::new(),
            answer: answer.map(str::to_owned),
        };
        match word {
            "run" => code(None),
            "both" => code(Some("both")),
            "done" => Action::Answer(rest.to_owned()),
            _ => Action::Result {
                text: "nothing ran".to_owned(),
                unrun: Some(rest.to_owned()).filter(|code| !code.is_empty()),
            },
        }
    }

    fn say(&mut self, text: &str) {
        self.0.messages.push(Message::user(text));
    }

    fn observe(&mut self, _: Option<&str>, text: &str) {
        self.0.messages.push(Message::user(text));
    }
}

/// A scope whose blocks say their number; `wait` waits until it is ended hard,
/// `deaf` until it is asked to end for the third time.
struct Counting {
    blocks: usize,
    waits: UnboundedSender<Cancellation>,
}

/// A block that waits.
#[derive(Default)]
struct Block(Mutex<bool>, Condvar);

impl Stop for Block {
    fn stop(&self, hard: bool) {
        *self.0.lock().unwrap() |= hard;
        self.1.notify_all();
    }
}

impl Block {
    fn wait(&self) {
        let ended = self.0.lock().unwrap();
        drop(self.1.wait_while(ended, |ended| !*ended).unwrap());
    }
}

/// A block whose turn has not begun when it is first interrupted.
#[derive(Default)]
struct Deaf(Mutex<u32>, Condvar);

impl Stop for Deaf {
    fn stop(&self, hard: bool) {
        assert!(!hard, "it was stopped once");
        *self.0.lock().unwrap() += 1;
        self.1.notify_all();
    }
}

impl Deaf {
    fn wait(&self) {
        let heard = self.0.lock().unwrap();
        let patience = Duration::from_secs(60);
        let waited = self
            .1
            .wait_timeout_while(heard, patience, |heard| *heard < 3);
        assert!(!waited.unwrap().1.timed_out(), "no interrupt was repeated");
    }
}

impl Scope for Counting {
    fn run(&mut self, code: &str, cancellation: &Cancellation) -> Result<Ran, Error> {
        self.blocks += 1;
        if code == "wait" {
            let block = Arc::<Block>::default();
            cancellation.during(block.clone(), || {
                self.waits.send(cancellation.clone()).unwrap();
                block.wait();
            });
            return Err(Error::Cancelled);
        }
        if code == "deaf" {
            let block = Arc::<Deaf>::default();
            cancellation.during(block.clone(), || {
                self.waits.send(cancellation.clone()).unwrap();
                block.wait();
            });
            return Err(Error::Cancelled);
        }
        Ok(Ran {
            shown: Some(format!("block {}: {code}", self.blocks)),
            ..Ran::default()
        })
    }
}

struct Talk {
    dialogue: Dialogue<Words>,
    runtime: Runtime,
    /// Scopes that were made.
    scopes: Arc<AtomicUsize>,
    waits: UnboundedReceiver<Cancellation>,
}

fn says(text: &str) -> ScriptEntry {
    ScriptEntry {
        text: text.into(),
        ..ScriptEntry::default()
    }
}

impl Talk {
    fn new(replies: Vec<ScriptEntry>, turns: u64) -> Self {
        let model = ScriptedModel::new("script", Script::new("talk", replies));
        let settings = DialogueSettings {
            header: Header::default(),
            system: "The rules.".into(),
            budgets: Budgets::of_turns(turns),
            prices: Arc::new(Prices::none()),
        };
        let (sender, waits) = unbounded_channel();
        let scopes = Arc::<AtomicUsize>::default();
        let made = Arc::clone(&scopes);
        let scope = move || {
            made.fetch_add(1, Ordering::Relaxed);
            let waits = sender.clone();
            Box::new(Counting { blocks: 0, waits }) as Box<dyn Scope>
        };
        Self {
            dialogue: Dialogue::new(Arc::new(model), Words::default(), settings, scope),
            runtime: Runtime::new().unwrap(),
            scopes,
            waits,
        }
    }

    fn ask(&mut self, question: &str) -> Result<Answered, Error> {
        let mut nobody = NoWatcher;
        let asked = self.dialogue.ask(question, question, &mut nobody);
        self.runtime.block_on(asked)
    }

    fn said(&self) -> Vec<String> {
        let messages = self.dialogue.dialect().0.messages.iter();
        messages.map(Message::text).collect()
    }
}

#[test]
fn questions_share_one_conversation_one_scope_and_one_record() {
    let replies = ["run a", "done one", "hm x", "both b"];
    let mut talk = Talk::new(replies.map(says).to_vec(), 5);
    let one = talk.ask("first?").unwrap();
    assert_eq!(
        (one.answer.as_deref(), one.spent.replies),
        (Some("one"), 2),
        "{one:?}"
    );
    let two = talk.ask("second?").unwrap();
    assert_eq!(
        (two.answer.as_deref(), two.spent.replies),
        (Some("both"), 2)
    );
    // What came of a block beside an answer is recorded, and nobody is told.
    let said = [
        "first?",
        "run a",
        "block 1: a",
        "done one",
        "second?",
        "hm x",
        "nothing ran",
        "both b",
    ];
    assert_eq!(talk.said(), said);
    assert_eq!(talk.scopes.load(Ordering::Relaxed), 1);
    let trajectory = talk.dialogue.finish().unwrap();
    assert_eq!(trajectory.task, "first?");
    assert_eq!(
        (trajectory.status, trajectory.answer.as_deref()),
        (Status::Answered, Some("both"))
    );
    let steps: Vec<(StepKind, &str)> = trajectory
        .steps
        .iter()
        .map(|step| (step.kind, step.text.as_str()))
        .collect();
    use StepKind::{Model, Observation, System, User};
    let expected = [
        (System, "The rules."),
        (User, "first?"),
        (Model, "run a"),
        (Observation, "block 1: a"),
        (Model, "done one"),
        (User, "second?"),
        (Model, "hm x"),
        (Observation, "nothing ran"),
        (Model, "both b"),
        (Observation, "block 2: b"),
    ];
    assert_eq!(steps, expected);
    // A block that did not run is in the record too.
    assert_eq!(trajectory.steps[6].code.as_deref(), Some("x"));
    assert!(trajectory.steps[7].observation.is_none());
}

#[test]
fn a_question_that_uses_up_its_turns_has_no_answer_and_the_next_has_its_own() {
    let replies = ["run a", "run b", "run c", "done"];
    let mut talk = Talk::new(replies.map(says).to_vec(), 2);
    let used_up = talk.ask("first?").unwrap();
    assert_eq!(used_up.status.word(), "exhausted");
    assert_eq!((used_up.answer, used_up.spent.replies), (None, 2));
    // The last result is recorded, and not told any more.
    assert_eq!(talk.said(), ["first?", "run a", "block 1: a", "run b"]);
    assert_eq!(talk.ask("second?").unwrap().answer.as_deref(), Some(""));
}

#[test]
fn a_question_that_fails_was_not_asked() {
    let failing = ScriptEntry {
        fail: Some(Failure::Disconnect),
        ..ScriptEntry::default()
    };
    let mut talk = Talk::new(vec![says("run a"), failing, says("done now")], 5);
    let error = talk.ask("first?").unwrap_err();
    assert!(matches!(error, Error::Model(_)), "{error}");
    assert!(talk.said().is_empty());
    assert_eq!(talk.ask("second?").unwrap().answer.as_deref(), Some("now"));
    assert_eq!(talk.said(), ["second?", "done now"]);
    let trajectory = talk.dialogue.finish().unwrap();
    assert_eq!(
        (trajectory.steps.len(), trajectory.task.as_str()),
        (6, "first?")
    );
}

#[test]
fn a_reply_longer_than_any_sensible_one_is_refused() {
    let long = format!("done {}", "x".repeat(4 << 20));
    let fits = format!("done {}", "x".repeat((4 << 20) - 61));
    let mut talk = Talk::new(vec![says(&long), says(&fits)], 5);
    let error = talk.ask("first?").unwrap_err();
    let words = "the model's reply has 4194365 bytes; 4194304 are taken";
    assert_eq!(error.to_string(), words);
    assert!(talk.ask("second?").is_ok());
}

#[test]
fn a_block_that_nobody_waits_for_is_ended_and_the_next_has_a_scope_of_its_own() {
    let mut talk = Talk::new(["run wait", "run a", "done"].map(says).to_vec(), 5);
    let Talk {
        dialogue,
        runtime,
        waits,
        ..
    } = &mut talk;
    let mut nobody = NoWatcher;
    let given_up = runtime.block_on(async {
        tokio::select! {
            answered = dialogue.ask("first?", "first?", &mut nobody) => panic!("{answered:?}"),
            running = waits.recv() => running.unwrap(),
        }
    });
    assert!(given_up.is_cancelled());
    assert_eq!(talk.ask("second?").unwrap().answer.as_deref(), Some(""));
    // The first block of that scope, and the first question was not asked.
    assert_eq!(talk.said(), ["second?", "run a", "block 1: a", "done"]);
    assert_eq!(talk.scopes.load(Ordering::Relaxed), 2);
}

/// Notes in which order things happen.
#[derive(Default, Clone)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Watcher for Notes {
    fn asked(&mut self, number: u64) {
        self.0.lock().unwrap().push(format!("asked {number}"));
    }

    fn runs(&mut self, code: &str) {
        self.0.lock().unwrap().push(format!("runs {code}"));
    }

    fn step(&mut self, step: &Step) {
        self.0.lock().unwrap().push(format!("step {}", step.text));
    }
}

#[test]
fn a_watcher_hears_of_everything_in_order() {
    let mut talk = Talk::new(["run a", "done"].map(says).to_vec(), 5);
    let notes = Notes::default();
    let mut watcher = notes.clone();
    let asked = talk.dialogue.ask("q", "q!", &mut watcher);
    talk.runtime.block_on(asked).unwrap();
    let expected = [
        "step The rules.",
        "step q!",
        "asked 1",
        "step run a",
        "runs a",
        "step block 1: a",
        "asked 2",
        "step done",
    ];
    assert_eq!(*notes.0.lock().unwrap(), expected);
}

#[test]
fn stopping_says_what_it_met() {
    let slow = ScriptEntry {
        latency_ms: Some(60_000),
        ..says("done late")
    };
    let mut talk = Talk::new(vec![says("run wait"), slow, says("done")], 5);
    let stopper = talk.dialogue.stopper();
    assert_eq!(stopper.stop(), Stopping::Idle);
    let Talk {
        dialogue,
        runtime,
        waits,
        ..
    } = &mut talk;
    // Code runs; pressed again, it is ended.
    let pressed = stopper.clone();
    let met = std::thread::scope(|scope| {
        let presses = scope.spawn(move || {
            let running = waits.blocking_recv().unwrap();
            let met = [pressed.stop(), pressed.stop()];
            assert!(running.is_cancelled());
            met
        });
        let error = runtime
            .block_on(dialogue.ask("first?", "first?", &mut NoWatcher))
            .unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
        presses.join().unwrap()
    });
    assert_eq!(met, [Stopping::Code, Stopping::Forced]);
    assert_eq!(stopper.stop(), Stopping::Idle);
    // The model writes.
    let mut pressed = Presses(stopper.clone(), Vec::new());
    let error = runtime
        .block_on(dialogue.ask("second?", "second?", &mut pressed))
        .unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!(pressed.1, [Stopping::Model, Stopping::Forced]);
    assert!(talk.said().is_empty());
    assert_eq!(talk.ask("third?").unwrap().answer.as_deref(), Some(""));
}

#[test]
fn an_answer_does_not_end_before_it_is_told_what_stopping_it_met() {
    let mut talk = Talk::new(vec![says("run wait")], 5);
    let pressed = talk.dialogue.stopper();
    let Talk {
        dialogue,
        runtime,
        waits,
        ..
    } = &mut talk;
    let order = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            waits.blocking_recv().unwrap();
            pressed.stop();
            pressed.stop_telling(|met| {
                assert_eq!(met, Stopping::Forced);
                std::thread::sleep(Duration::from_millis(200));
                order.lock().unwrap().push("told");
            });
        });
        let error = runtime
            .block_on(dialogue.ask("first?", "first?", &mut NoWatcher))
            .unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
        order.lock().unwrap().push("ended");
    });
    assert_eq!(*order.lock().unwrap(), ["told", "ended"]);
}

#[test]
fn an_interrupt_that_meets_no_turn_is_repeated() {
    let mut talk = Talk::new(["run deaf", "done"].map(says).to_vec(), 5);
    let pressed = talk.dialogue.stopper();
    let Talk {
        dialogue,
        runtime,
        waits,
        ..
    } = &mut talk;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            waits.blocking_recv().unwrap();
            assert_eq!(pressed.stop(), Stopping::Code);
        });
        let error = runtime
            .block_on(dialogue.ask("first?", "first?", &mut NoWatcher))
            .unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
    });
    // That one was stopped, and the next is not.
    assert_eq!(talk.ask("second?").unwrap().answer.as_deref(), Some(""));
}

/// Presses twice when the model is asked.
struct Presses(Stopper, Vec<Stopping>);

impl Watcher for Presses {
    fn asked(&mut self, _: u64) {
        self.1.extend([self.0.stop(), self.0.stop()]);
    }
}
