//! What goes from a spawned agent to its parent, and over the shared board: typed
//! data, and never a way to run code there.

mod collisions;

use crate::support::{by, coder, place, reactor, runs, says, shown};
use memex_agent::{Agent, RunRequest, RunResult};
use memex_host_tools::{Tool, ToolError, immediate};
use memex_models::{Script, ScriptEntry, ScriptedModel};
use memex_trajectories::Status;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Deserialize, JsonSchema)]
struct Number {
    /// The number.
    number: f64,
}

/// A run of a parent that executes a block and a child that executes another,
/// and how often the parent's tool was called.
fn family(parent: &str, child: &str) -> (RunResult, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let double: Arc<dyn Tool> = Arc::new(immediate(
        "double",
        "Twice a number.",
        move |_, given: Number| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<f64, ToolError>(given.number * 2.0)
        },
    ));
    let replies: Vec<ScriptEntry> = vec![
        by("agent", runs(parent)),
        by("agent", says("done")),
        by("child", runs(child)),
        by("child", says("nothing was accepted")),
    ];
    let model = ScriptedModel::new("script", Script::new("test", replies));
    let result = Agent::builder(coder(), Arc::new(model), reactor())
        .sandbox(place().clone())
        .tools([double])
        .build()
        .unwrap()
        .run(RunRequest::new("Do it."))
        .unwrap();
    (result, calls.load(Ordering::Relaxed))
}

/// All that parent and child were shown.
fn seen(result: &RunResult) -> String {
    let children = result.trajectory.children.iter();
    let theirs = children
        .filter_map(|child| child.trajectory.as_ref())
        .map(|run| format!("{:?} {:?}", run.status, run.steps));
    format!("{:#?} {:#?}", shown(result), theirs.collect::<Vec<_>>())
}

/// Names that an attacker would like to have called, and a class that is data.
const SCOPE: &str = "\
import enum, functools
from dataclasses import dataclass
from operator import attrgetter
from functools import partial
import numpy as np
@dataclass
class Point:
    x: int
    y: float
    def __post_init__(self):
        post_init.append(self.x)
class Plain:
    def __init__(self):
        self.n = 0
    def __setstate__(self, state):
        double(1000)
    @property
    def shown(self):
        return 1
    @shown.setter
    def shown(self, value):
        double(1000)
class Color(enum.Enum):
    RED = 1
post_init = []
assert double(1) == 2.0
address = id(double)
";

/// Sends bytes as the objects of an answer, as the guest's own code would.
const FORGE: &str = "\
import json, struct, _host
from memex_guest import channel
def written(nodes, *parts):
    return channel.framed(1, '', [json.dumps([nodes, [len(nodes) - 1]]).encode(), *parts])
def answer(*nodes):
    return written([*nodes, ['dict', ['value'], [[len(nodes) - 1]]]])
def send(objects):
    reply = bytes(_host.call(channel.framed(6, '{\"do\":\"submit\",\"arguments\":{\"value\":1}}', [objects])))
    assert reply[0] == 0, reply
    shared['sent'] = 'the forged bytes were accepted'
";

const TAKES: &str = "\
try:
    print('got', repr(h.result()))
except ValueError as error:
    print('refused:', error)
print(shared.get('sent'), post_init)
";

fn attack(forged: &str) -> (String, usize) {
    let parent =
        format!("{SCOPE}h = spawn_agent('go', tools=[], share=None, output=object)\n{TAKES}");
    let (result, calls) = family(&parent, &format!("{FORGE}send({forged})"));
    assert_eq!(result.status, Status::Answered, "{}", seen(&result));
    let told = shown(&result).remove(0);
    assert!(
        told.contains("the forged bytes were accepted []"),
        "the attack did not run: {forged}: {}",
        seen(&result)
    );
    (told, calls)
}

#[test]
fn forged_objects_of_the_right_form_are_taken() {
    for (forged, expected) in [
        ("answer(['list', [1, 'two', None]])", "got [1, 'two', None]"),
        (
            "answer(['object', 'Point', ['x', 'y'], [1, 2.5]])",
            "got Point(x=1, y=2.5)",
        ),
        ("answer(['member', 'Color', 'RED'])", "got <Color.RED: 1>"),
        (
            "written([['array', '<u4', [1], False, 0], ['dict', ['value'], [[0]]]], struct.pack('<I', 7))",
            "got array([7], dtype=uint32)",
        ),
    ] {
        let (told, calls) = attack(forged);
        assert!(told.contains(expected), "{forged}: {told}");
        assert_eq!(calls, 1, "{forged}");
    }
}

#[test]
fn what_a_child_hands_back_runs_no_code_in_its_parent() {
    let no_class = |name: &str| {
        format!(
            "refused: what was handed over is not taken: ValueError: it is of the class '{name}', which is no class of this scope"
        )
    };
    let table = [
        // A pickle that calls the parent's tool by what the parent imported.
        (
            "b\"}(Vvalue\\nc__main__\\nattrgetter\\n(V__init__.__globals__.get\\ntR(c__main__\\nPlain\\ntR(Vdouble\\ntR(F21.0\\ntRu.\"",
            "refused: what was handed over is not taken: HostError: the frame ends inside a part"
                .to_owned(),
        ),
        (
            "__import__('pickle').dumps({'value': 1})",
            "refused: what was handed over is not taken: ".to_owned(),
        ),
        (
            "answer(['object', 'attrgetter', ['args'], ['__class__']])",
            no_class("attrgetter"),
        ),
        (
            "answer(['object', 'partial', ['func'], ['x']])",
            no_class("partial"),
        ),
        ("answer(['named', 'partial', ['x']])", no_class("partial")),
        ("answer(['member', 'double', 'x'])", no_class("double")),
        ("answer(['object', 'double', [], []])", no_class("double")),
        ("answer(['object', 'np', [], []])", no_class("np")),
        (
            "answer(['object', 'functools.partial', [], []])",
            no_class("functools.partial"),
        ),
        (
            "answer(['object', 'Plain', ['shown'], [1]])",
            "takes no field 'shown': the class has a method, a property".to_owned(),
        ),
        (
            "answer(['object', 'Plain', ['__class__'], [1]])",
            "takes no field '__class__'".to_owned(),
        ),
        (
            "answer(['object', 'Point', ['x'], [1]])",
            "the field y of the dataclass Point is missing".to_owned(),
        ),
        (
            "answer(['object', 'Color', ['_value_'], [1]])",
            "are not taken".to_owned(),
        ),
        (
            "answer(['reduce', 'double', [21.0]])",
            "there is no kind of value 'reduce'".to_owned(),
        ),
        // Addresses that the child knows, as references of an array.
        (
            "written([['array', '|O', [1], False, 0], ['dict', ['value'], [[0]]]], struct.pack('<I', address))",
            "the dtype |O is not in the list".to_owned(),
        ),
        (
            "written([['array', [4, [['f', 0, '|O']], 'fields'], [1], False, 0], ['dict', ['value'], [[0]]]], struct.pack('<I', address))",
            "the dtype |O is not in the list".to_owned(),
        ),
        (
            "written([['array', '<u4', [1 << 29], False, 0], ['dict', ['value'], [[0]]]], struct.pack('<I', address))",
            "has 4 bytes".to_owned(),
        ),
        (
            "answer(['list', [[5]]])",
            "it refers to a value that is not before it".to_owned(),
        ),
    ];
    for (forged, expected) in table {
        let (told, calls) = attack(forged);
        assert!(told.contains(&expected), "{forged}: {told}");
        assert_eq!(calls, 1, "the parent's tool was called by {forged}");
    }
}

#[test]
fn a_child_that_was_given_the_tool_calls_it() {
    let parent = format!(
        "{SCOPE}h = spawn_agent('go', tools=['double'], output=float)\nprint('got', h.result())"
    );
    let (result, calls) = family(&parent, "submit(double(21))");
    assert!(shown(&result)[0].contains("got 42.0"), "{}", seen(&result));
    assert_eq!(calls, 2);
    let parent =
        format!("{SCOPE}h = spawn_agent('go', tools=[], output=float)\nprint('got', h.result())");
    let (result, calls) = family(&parent, "submit(double(21))");
    assert!(
        seen(&result).contains(
            "PermissionError: double: the policy of this session does not grant this tool"
        ),
        "{}",
        seen(&result)
    );
    assert_eq!(calls, 1);
}

#[test]
fn the_board_runs_no_code_in_who_reads_it() {
    let parent = format!(
        "{SCOPE}spawn_agent('go', tools=[]).result()\nfor key in ('right', 'wrong', 'pickle', 'array'):\n    try:\n        print(key, repr(shared[key]))\n    except ValueError as error:\n        print(key, 'refused:', error)"
    );
    let child = format!(
        "{FORGE}def put(key, value):\n    reply = bytes(_host.call(channel.framed(6, json.dumps({{'do': 'set', 'key': key, 'version': None}}), [value])))\n    assert reply[0] == 0, reply\n\
         put('right', written([['object', 'Point', ['x', 'y'], [1, 2]]]))\n\
         put('wrong', written([['object', 'attrgetter', ['args'], ['x']]]))\n\
         put('pickle', b\"c__main__\\nattrgetter\\n(V__init__.__globals__.get\\ntR(c__main__\\nPlain\\ntR(Vdouble\\ntR(F21.0\\ntR.\")\n\
         put('array', written([['array', '|O', [1], False, 0]], struct.pack('<I', address)))"
    );
    let (result, calls) = family(&parent, &child);
    let told = shown(&result).remove(0);
    for expected in [
        "right Point(x=1, y=2)",
        "wrong refused: what was handed over is not taken: ValueError: it is of the class 'attrgetter'",
        "pickle refused: what was handed over is not taken: HostError",
        "array refused: what was handed over is not taken: ValueError: the dtype |O is not in the list",
    ] {
        assert!(told.contains(expected), "{expected}: {}", seen(&result));
    }
    assert_eq!(calls, 1);
}

#[test]
fn objects_that_are_not_the_checked_answer_are_left() {
    let table = [
        ("int", "got 1"),
        ("dict | int", "got 1"),
        // What admits anything admits the object.
        ("object", "got 'no number'"),
    ];
    for (output, expected) in table {
        let parent = format!("{SCOPE}h = spawn_agent('go', tools=[], output={output})\n{TAKES}");
        let child = format!("{FORGE}send(written([['dict', ['value'], ['no number']]]))");
        let (result, _calls) = family(&parent, &child);
        let told = shown(&result).remove(0);
        assert!(told.contains(expected), "{output}: {}", seen(&result));
        assert!(told.contains("accepted"), "{output}: {}", seen(&result));
    }
}

#[test]
fn a_value_is_refused_where_it_is_handed_over_with_its_place_and_a_remedy() {
    let child = "\
class Items(list):
    pass
class Hashed:
    def __hash__(self):
        return 1
def local():
    class Inner:
        pass
    return Inner()
loop = []
loop.append(loop)
deep = []
for _ in range(200):
    deep = [deep]
for value in ({'rows': [1, print]}, iter([]), [Items()], (local(),), loop, deep, [np.zeros(1, dtype=[('o', object)])], {Hashed(): 1}):
    hands = [lambda value: shared.__setitem__('k', value)]
    if type(value) is not list and type(value) is not tuple:
        # What has a form in JSON is handed in by that.
        hands.append(lambda value: submit(value))
    for hand in hands:
        try:
            hand(value)
        except (TypeError, ValueError) as error:
            print(type(error).__name__, error)
";
    let parent = format!(
        "{SCOPE}h = spawn_agent('go', tools=[], output=object)\nprint(h.progress())\ntry:\n    h.result()\nexcept Exception:\n    pass"
    );
    let (result, _) = family(&parent, child);
    let seen = seen(&result);
    for expected in [
        "TypeError submit['value']['rows'][1]: a value of type builtin_function_or_method cannot be handed over; hand over data",
        "TypeError shared['k']['rows'][1]: a value of type builtin_function_or_method cannot be handed over; hand over data",
        "an object of the class Items cannot be handed over: its class derives from list; hand over a dictionary",
        "TypeError shared['k'][0]: an object of the class local.<locals>.Inner cannot be handed over: the other side would not find the class; define the class by a class statement at the top level of a block",
        "ValueError shared['k'][0]: it contains itself, which cannot be handed over",
        "nested more than 100 levels deep",
        "cannot be handed over; convert it by .astype(…)",
        "TypeError shared['k']: a key of type Hashed cannot be handed over",
        "TypeError shared['k']: a value of type list_iterator cannot be handed over",
    ] {
        assert!(seen.contains(expected), "{expected}: {seen}");
    }
}

#[test]
fn values_of_every_kind_come_back_as_they_were() {
    let scope = "\
import datetime, decimal, fractions, pathlib, uuid, collections, zoneinfo, typing
import pandas as pd
@dataclass(slots=True)
class Slotted:
    x: int
@dataclass(frozen=True)
class Key:
    name: str
class Pair(typing.NamedTuple):
    left: int
    right: str
T = typing.TypeVar('T')
class Box(typing.Generic[T]):
    def __init__(self, held):
        self.held = held
days = pd.date_range('2024-01-01', periods=3, tz='Europe/Zurich')
frame = pd.DataFrame({'i': [1, 2, 3], 'f': [.5, None, 1], 's': ['a', None, 'c'], 'c': pd.Categorical(['x', 'y', None]), 't': days,
    'I': pd.array([1, None, 3], 'Int64'), 'B': pd.array([True, None, False], 'boolean'), 'S': pd.array(['x', None, 'y'], 'string'),
    'o': pd.Series([1, 'x', [2]], dtype=object), 'd': days - days[0]})
inner = [1]
whole = {
    'numbers': [0, -1, 10**400, 2.5, float('inf'), -0.0, True, None, 1j],
    'texts': ['', 'a\\0b', '\\ud800', '\\ud83d\\ude00', '{\"x\"}'], 'bytes': (b'x' * 1000, bytearray(b'y')),
    ('a', 1): {1, 2}, None: frozenset({('x',)}), 1: {'deep': [[[1]]]},
    'times': [datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Zurich'), fold=1), datetime.date(1, 1, 1), datetime.time(1), datetime.timedelta(1), datetime.timezone.utc],
    'more': [decimal.Decimal('1.10'), fractions.Fraction(1, 3), pathlib.Path('/a'), uuid.UUID(int=1), range(3), collections.Counter('aab'), collections.deque([1], 2), collections.defaultdict(list)],
    'own': [Point(1, 2.5), Slotted(3), {Key('k'): Color.RED}, Pair(1, 'x')],
    'shared': [inner, inner],
    'arrays': [np.arange(6).reshape(2, 3).T, np.array(['a', 'äö']), np.zeros(2, 'i4,f8'), np.float32(.5), np.datetime64('2024-01-01'), np.array([1, 'x'], dtype=object)],
    'index': [frame.set_index(['i', 's']).index, days, pd.RangeIndex(3), pd.NaT, pd.Timestamp('2024-01-01', tz='UTC'), pd.Timedelta('1D')],
}
box = Box[int](3)
";
    let parent = format!(
        "{SCOPE}{scope}h = spawn_agent('go', tools=[], output=object)\nfound = h.result()\n\
         for way, (value, table, held) in (('result', found), ('board', shared['all'])):\n    pd.testing.assert_frame_equal(table, frame)\n    assert held.held == 3\n    assert value['shared'][0] is value['shared'][1]\n    print(way, repr(value) == repr(whole), post_init)"
    );
    let child = "shared['all'] = [whole, frame, box]\nsubmit((whole, frame, box))";
    let (result, _) = family(&parent, child);
    let told = shown(&result).remove(0);
    assert!(told.contains("result True [1]"), "{}", seen(&result));
    assert!(told.contains("board True [1]"), "{}", seen(&result));
}

#[test]
fn long_texts_are_handed_in() {
    let parent = format!(
        "{SCOPE}h = spawn_agent('go', tools=[], output=str)\nprint('got', len(h.result()))"
    );
    let (result, _) = family(&parent, "submit('äx' * 200_000)");
    assert!(
        shown(&result)[0].contains("got 400000"),
        "{}",
        seen(&result)
    );
}

#[test]
fn large_arrays_and_tables_cross_as_they_are() {
    let code = "\
import time, pickle
import pandas as pd
frame = pd.DataFrame(np.random.default_rng(1).random((100_000, 15)))
from memex_guest import values
took = {}
for name, way in (('pickle', lambda: pickle.loads(pickle.dumps(frame, 5))), ('typed', lambda: values.unpacked(values.packed(frame, 'it')))):
    took[name] = []
    for _ in range(5):
        began = time.perf_counter()
        way()
        took[name].append(time.perf_counter() - began)
print({name: round(1000 * min(times), 1) for name, times in took.items()})
h = spawn_agent('go', tools=[], output=pd.DataFrame)
print('got', h.result().equals(frame))
";
    let (result, _) = family(&format!("{SCOPE}{code}"), "submit(frame)");
    let told = shown(&result).remove(0);
    println!("{told}");
    assert!(told.contains("got True"), "{}", seen(&result));
}

#[test]
fn a_result_that_cannot_be_read_leaves_the_others() {
    let parent = format!(
        "{SCOPE}for found in map_agents([1, 2, 3], 'go', tools=[], output=object):\n    print(type(found).__name__, found)"
    );
    let child = format!(
        "{FORGE}if item == 2:\n    send(answer(['object', 'partial', [], []]))\nelse:\n    submit(item)"
    );
    let (result, _) = family(&parent, &child);
    let told = shown(&result).remove(0);
    for expected in [
        "int 1",
        "ValueError what was handed over is not taken: ",
        "int 3",
    ] {
        assert!(told.contains(expected), "{expected}: {}", seen(&result));
    }
}
