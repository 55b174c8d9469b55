//! What scripts written for ordinary machines expect: files of arrays, maps, descriptors,
//! timers, users, and the packages that people have.

use memex_runtime::Status;
use memex_tests::{check_all, prints, raises, run, sandbox, session, session_of, value, value_of};
use std::time::Duration;

#[test]
fn arrays_are_written_to_files_and_read() {
    check_all(&[
        (
            "import numpy as np\na = np.arange(6, dtype='i4')\na.tofile('a.bin')\nnp.fromfile('a.bin', dtype='i4').tolist()",
            value("[0, 1, 2, 3, 4, 5]"),
        ),
        (
            "import numpy as np\nwith open('/tmp/a.bin', 'w+b') as f:\n    f.write(b'head')\n    np.arange(4, dtype='u1').tofile(f)\n    at = f.tell()\n    f.write(b'tail')\n    f.seek(4)\n    b = np.fromfile(f, dtype='u1', count=4)\n    rest = f.read()\nat, b.tolist(), rest",
            value("(8, [0, 1, 2, 3], b'tail')"),
        ),
        (
            "import numpy as np\nnp.array([1.5, 2.5]).tofile('a.txt', sep=' ')\nnp.fromfile('a.txt', sep=' ').tolist()",
            value("[1.5, 2.5]"),
        ),
        (
            "import numpy as np\nfrom scipy.io import wavfile\ntone = (np.sin(np.linspace(0, 440, 800)) * 32767).astype(np.int16)\nwavfile.write('a.wav', 8000, tone)\nrate, data = wavfile.read('a.wav')\nrate, data.dtype.name, bool((data == tone).all())",
            value("(8000, 'int16', True)"),
        ),
        (
            "import numpy as np\nm = np.memmap('m.bin', dtype='f8', mode='w+', shape=(2, 3))\nm[:] = [[1, 2, 3], [4, 5, 6]]\nm.flush()\nr = np.memmap('m.bin', dtype='f8', mode='r', shape=(2, 3))\nr.sum(), r.flags.writeable, np.memmap('m.bin', mode='r+')[:2].tolist()",
            value("(np.float64(21.0), False, [0, 0])"),
        ),
        (
            "import numpy as np\nnp.save('a.npy', np.arange(5))\na = np.load('a.npy', mmap_mode='r')\na[1:3].tolist(), type(a).__name__",
            value("([1, 2], 'memmap')"),
        ),
        (
            "import mmap\nwith open('a.txt', 'wb') as f: f.write(b'hello world')\nwith open('a.txt', 'r+b') as f:\n    with mmap.mmap(f.fileno(), 0) as m:\n        m[:5] = b'HELLO'\n        found = m.find(b'world'), m.readline(), len(m)\nfound, open('a.txt').read()",
            value("((6, b'HELLO world', 11), 'HELLO world')"),
        ),
    ]);
}

#[test]
fn descriptors_are_duplicated() {
    check_all(&[
        (
            "import os\nopen('a', 'w').write('0123456789')\nf = os.open('a', os.O_RDONLY)\nos.lseek(f, 3, 0)\ng = os.dup(f)\nos.close(f)\nos.read(g, 4), g != f",
            value("(b'3456', True)"),
        ),
        // Each has an offset of its own.
        (
            "import os\nopen('a', 'w').write('0123456789')\nf = os.open('a', os.O_RDONLY)\ng = os.dup(f)\nos.read(f, 5), os.read(g, 5)",
            value("(b'01234', b'01234')"),
        ),
        (
            "import os\nf, g = os.open('a', os.O_CREAT | os.O_RDWR), os.open('b', os.O_CREAT | os.O_RDWR)\nos.write(f, b'of a')\nos.dup2(f, g)\nos.lseek(g, 0, 0)\nos.read(g, 9), os.stat('b').st_size",
            value("(b'of a', 0)"),
        ),
        (
            "import os\nos.dup(99)",
            raises("OSError", &["Bad file descriptor"]),
        ),
        (
            "import os\nos.dup(1)",
            raises("OSError", &["contextlib.redirect_stdout"]),
        ),
        (
            "import os\nos.dup(os.open('/tmp', os.O_RDONLY))",
            raises("OSError", &["Not supported"]),
        ),
        (
            "import os\nr, w = os.pipe()\nos.write(w, b'through')\nwith os.fdopen(r, 'rb') as f: told = f.read()\ntold, os.listdir('/tmp')",
            value("(b'through', [])"),
        ),
    ]);
}

/// A descriptor that is made of another counts, and has no more rights.
#[test]
fn duplicates_are_bounded_and_grant_nothing() {
    let sandbox = sandbox(|policy| policy.set_limit("open_files", 8u64).unwrap());
    let mut session = session_of(&sandbox);
    let outcome = run(
        &mut session,
        "import os\nopen('a', 'w').write('x')\nf = os.open('a', os.O_RDONLY)\nfds = []\nwhile True: fds.append(os.dup(f))",
    );
    let error = outcome.error.unwrap();
    assert_eq!(error.class, "OSError");
    assert!(
        outcome
            .limit
            .is_some_and(|limit| limit.name == "open_files")
    );
    assert_eq!(value_of(&mut session, "len(fds) in range(5, 8)"), "True");
    for code in [
        "os.write(fds[0], b'y')",
        "os.pwrite(fds[0], b'y', 0)",
        "os.ftruncate(fds[0], 0)",
    ] {
        let outcome = run(&mut session, code);
        assert_eq!(outcome.error.unwrap().class, "OSError", "{code}");
    }
    assert_eq!(value_of(&mut session, "os.read(fds[0], 9)"), "b'x'");
}

#[test]
fn room_is_told_as_the_policy_has_it() {
    let sandbox = sandbox(|policy| policy.set_limit("file_bytes", 1u64 << 20).unwrap());
    let mut session = session_of(&sandbox);
    run(
        &mut session,
        "import os, shutil\nopen('a', 'wb').write(bytes(1000))",
    );
    assert_eq!(
        value_of(&mut session, "tuple(shutil.disk_usage('.'))"),
        "(1048576, 1000, 1047576)"
    );
    assert_eq!(
        value_of(&mut session, "s = os.statvfs('/')\ns.f_blocks * s.f_frsize"),
        "1048576"
    );
    // What it tells is no more than the bound.
    let outcome = run(&mut session, "open('b', 'wb').write(bytes(1047577))");
    assert!(
        outcome
            .limit
            .is_some_and(|limit| limit.name == "file_bytes")
    );
}

#[test]
fn a_timer_is_a_deadline_inside_the_turn() {
    const HEAD: &str = "import signal, time\nclass Late(Exception): pass\ndef late(number, frame): raise Late(number)\nsignal.signal(signal.SIGALRM, late)\n";
    let mut session = session();
    run(&mut session, HEAD);
    for body in [
        "while True: pass",
        "for i in iter(int, 1): pass",
        "while True:\n        x = [n for n in range(99)]",
        "def f(n): return f(n - 1) if n else 0\n    while True: f(50)",
        "sum(1 for _ in iter(int, 1))",
        "list(map(lambda n: n, iter(int, 1)))",
        "time.sleep(60)",
        "import threading\n    threading.Event().wait()",
        "import queue\n    queue.Queue().get(timeout=60)",
    ] {
        let code = format!(
            "signal.setitimer(signal.ITIMER_REAL, 0.05)\ntry:\n    {body}\nexcept Late as error:\n    told = error.args[0] == signal.SIGALRM\nfinally:\n    signal.alarm(0)\ntold"
        );
        let outcome = run(&mut session, &code);
        assert_eq!(
            outcome.value.as_deref(),
            Some("True"),
            "{body}: {outcome:?}"
        );
        assert!(outcome.wall_time < Duration::from_secs(20), "{body}");
    }
    let outcome = run(
        &mut session,
        "import asyncio\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\nawait asyncio.sleep(60)",
    );
    assert_eq!(outcome.error.unwrap().class, "Late");
    // It ends with its turn, and code that runs later is as fast as ever.
    assert_eq!(
        value_of(
            &mut session,
            "signal.setitimer(signal.ITIMER_REAL, 0.01)\n1"
        ),
        "1"
    );
    assert_eq!(
        value_of(
            &mut session,
            "import sys\nt = time.monotonic()\nwhile time.monotonic() - t < 0.05: pass\n[sys.monitoring.get_tool(n) for n in range(6)]"
        ),
        "[None, None, None, None, None, None]"
    );
    // The session's own deadline counts beside it.
    let sandbox = sandbox(|policy| policy.set_limit("guest_time_ms", 300u64).unwrap());
    let mut session = session_of(&sandbox);
    run(&mut session, HEAD);
    let outcome = run(&mut session, "signal.alarm(50)\nwhile True: pass");
    assert_eq!(outcome.status, Status::Limit, "{outcome:?}");
}

#[test]
fn the_machine_answers_as_one_user_of_one_process() {
    check_all(&[
        (
            "import os\nos.getuid() == os.geteuid() == os.getgid(), os.getppid(), os.getgroups() == [os.getgid()]",
            value("(True, 1, True)"),
        ),
        (
            "import getpass, os\ngetpass.getuser(), os.getlogin()",
            value("('user', 'user')"),
        ),
        (
            "import os, pwd, grp\npwd.getpwuid(os.getuid()).pw_dir, grp.getgrgid(os.getgid()).gr_name",
            value("('/home/user', 'user')"),
        ),
        (
            "import os\nos.umask(0o77), os.umask(0o22), os.nice(0), len(os.sched_getaffinity(0))",
            value("(18, 63, 0, 1)"),
        ),
        (
            "import os\nopen('a', 'w').close()\nos.chown('a', 1, 1)\nos.chown('none', 1, 1)",
            raises("FileNotFoundError", &["none"]),
        ),
        (
            "import os, signal\nseen = []\nsignal.signal(signal.SIGUSR1, lambda n, f: seen.append(n))\nos.kill(os.getpid(), signal.SIGUSR1)\nseen == [signal.SIGUSR1]",
            value("True"),
        ),
        (
            "import os\nos.kill(1, 9)",
            raises("ProcessLookupError", &[]),
        ),
        (
            "import os, shutil\ntry: os.get_terminal_size()\nexcept OSError as e: print(e.strerror)\nshutil.get_terminal_size().columns",
            prints("Not a tty\n").with_value(memex_tests::Text::Is("80")),
        ),
        (
            "import time\na, b = time.thread_time(), time.thread_time_ns()\na >= 0, b >= 0, time.get_clock_info('thread_time').monotonic, hasattr(time, 'tzset')",
            // A zone that is set and not applied would give other times than it says.
            value("(True, True, True, False)"),
        ),
        (
            "open('/mnt/data/a.txt', 'w').write('x')\nimport os\nopen('a.txt').read(), os.path.isdir('/mnt/data'), os.listdir('/mnt/data'), os.listdir('/')",
            value("('x', True, ['a.txt'], ['home', 'tmp', 'usr'])"),
        ),
        (
            "import os\nos.makedirs('/mnt/data/out/b', exist_ok=True)\nos.makedirs('/mnt/data', exist_ok=True)\nos.rename('/mnt/data/out/b', 'moved')\nos.path.exists('/home/user/moved'), os.listdir('/mnt')",
            value("(True, [])"),
        ),
        (
            "import os\nos.chdir('/mnt/data')\nopen('b', 'w').close()\nos.path.samefile('/home/user/b', '/mnt/data/b'), os.getcwd()",
            value("(True, '/mnt/data')"),
        ),
    ]);
}

#[test]
fn warnings_and_documentation_have_no_names_of_the_sandbox() {
    let mut session = session();
    let outcome = run(
        &mut session,
        "import matplotlib.pyplot as plt\nplt.title('第一章');",
    );
    let told = outcome.stderr.text;
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("has no glyphs for 第一章"), "{told}");
    let outcome = run(&mut session, "async def f(): pass\nf();");
    assert!(outcome.stderr.text.contains("'f' was never awaited"));
    assert!(
        !outcome.stderr.text.contains("memex"),
        "{:?}",
        outcome.stderr
    );
    let outcome = run(
        &mut session,
        "import inspect, os, signal, shutil, subprocess, socket, threading, queue, time, multiprocessing, mmap, builtins, warnings\nfrom concurrent.futures import Future, ThreadPoolExecutor\nfound = []\nfor owner in (os, signal, shutil, subprocess, socket, threading, threading.Thread, threading.Event, queue, queue.Queue, time, multiprocessing, multiprocessing.Pool, mmap, mmap.mmap, warnings, Future, ThreadPoolExecutor):\n    for name, thing in vars(owner).items():\n        if name.startswith('_') and not name.startswith('__'): continue\n        for part in ('__module__', '__doc__', '__qualname__'):\n            if 'memex' in str(getattr(thing, part, '')): found.append((owner.__name__, name, part))\nfound",
    );
    assert_eq!(outcome.value.as_deref(), Some("[]"), "{outcome:?}");
}

#[test]
fn import_errors_name_the_remedy() {
    check_all(&[
        (
            "import torch",
            raises(
                "ModuleNotFoundError",
                &["No module named 'torch'", "native code", "scikit-learn"],
            ),
        ),
        (
            "def f():\n    import cv2\nf()",
            raises("ModuleNotFoundError", &["PIL"]),
        ),
        (
            "import importlib\nimportlib.import_module('selenium.webdriver')",
            raises("ModuleNotFoundError", &["sockets"]),
        ),
        (
            "import fcntl",
            raises("ModuleNotFoundError", &["need no locks"]),
        ),
        (
            "import distutils",
            raises("ModuleNotFoundError", &["importlib.metadata"]),
        ),
        (
            "import some_package_of_nobody",
            raises("ModuleNotFoundError", &["--package NAME==VERSION"]),
        ),
        (
            "try:\n    import torch\nexcept ImportError as e:\n    print(e.name)",
            prints("torch\n"),
        ),
        (
            "import importlib.util\nimportlib.util.find_spec('torch') is None, importlib.util.find_spec('json') is None",
            value("(True, False)"),
        ),
        (
            "import pandas as pd\npd.DataFrame({'a': [1]}).to_hdf('a.h5', key='a')",
            raises("ImportError", &["tables"]),
        ),
    ]);
}

/// Each does what it is there for.
#[test]
fn packages_that_people_have_are_there() {
    check_all(&[
        (
            "import pytz, datetime\npytz.timezone('Europe/Berlin').localize(datetime.datetime(2024, 7, 1)).utcoffset()",
            value("datetime.timedelta(seconds=7200)"),
        ),
        (
            "import plotly.express as px\nfig = px.bar(x=['a', 'b'], y=[1, 2])\nfig.data[0].type, 'plotly' in fig.to_html(include_plotlyjs=False).lower()",
            value("('bar', True)"),
        ),
        (
            "import plotly.graph_objects as go, json\nf = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))\njson.loads(f.to_json())['data'][0]['type']",
            value("'scatter'"),
        ),
        (
            "import docx\nd = docx.Document()\nd.add_heading('Title')\nd.add_paragraph('text')\nd.add_table(rows=1, cols=2)\nd.save('a.docx')\n[p.text for p in docx.Document('a.docx').paragraphs]",
            value("['Title', 'text']"),
        ),
        (
            "from pptx import Presentation\np = Presentation()\ns = p.slides.add_slide(p.slide_layouts[0])\ns.shapes.title.text = 'Hello'\np.save('a.pptx')\nPresentation('a.pptx').slides[0].shapes.title.text",
            value("'Hello'"),
        ),
        (
            "from PyPDF2 import PdfReader, PdfWriter\nw = PdfWriter()\nw.add_blank_page(width=72, height=72)\nw.write('a.pdf')\nlen(PdfReader('a.pdf').pages)",
            value("1"),
        ),
        (
            "import idna, certifi, urllib3, os\nidna.encode('bücher.de'), os.path.exists(certifi.where()), urllib3.util.parse_url('http://a/b').path",
            value("(b'xn--bcher-kva.de', True, '/b')"),
        ),
        (
            "import chardet\nchardet.detect('Füße und Größe, schöne Grüße aus Köln'.encode('utf-8'))['encoding'].lower()",
            value("'utf-8'"),
        ),
        (
            "import xarray as xr, numpy as np\nd = xr.DataArray(np.arange(6).reshape(2, 3), dims=('x', 'y'), coords={'x': [10, 20]})\nint(d.sel(x=20).sum()), d.mean('y').values.tolist()",
            value("(12, [1.0, 4.0])"),
        ),
        (
            "import markdown\nmarkdown.markdown('# a\\n\\n|b|c|\\n|-|-|\\n|1|2|', extensions=['tables']).count('<td>')",
            value("2"),
        ),
        (
            "from jinja2 import Template\nTemplate('{% for n in ns %}{{ n }},{% endfor %}').render(ns=[1, 2])",
            value("'1,2,'"),
        ),
        (
            "from typing import List, Optional\nfrom pydantic import BaseModel, Field, ValidationError, validator, VERSION\nclass M(BaseModel):\n    n: int = Field(gt=0)\n    tags: List[str] = []\n    inner: Optional['M'] = None\n    @validator('tags', each_item=True)\n    def lower(cls, v): return v.lower()\nM.update_forward_refs()\ntry: M(n=-1)\nexcept ValidationError as e: print(e.errors()[0]['loc'])\nM.parse_raw('{\"n\": \"3\", \"tags\": [\"A\"]}').dict(), VERSION.split('.')[0]",
            prints("('n',)\n").with_value(memex_tests::Text::Is(
                "({'n': 3, 'tags': ['a'], 'inner': None}, '1')",
            )),
        ),
        (
            "import altair as alt, pandas as pd, json\nc = alt.Chart(pd.DataFrame({'a': [1, 2], 'b': [3, 4]})).mark_bar().encode(x='a:Q', y='b:Q')\njson.loads(c.to_json())['mark']['type']",
            value("'bar'"),
        ),
        (
            "from faker import Faker\nFaker.seed(1)\nf = Faker('de_DE')\nall(isinstance(x, str) and x for x in (f.name(), f.address(), f.email(), f.iban()))",
            value("True"),
        ),
        (
            "from rich.console import Console\nfrom rich.table import Table\nimport io\nt = Table('a'); t.add_row('1')\nc = Console(file=io.StringIO())\nc.print(t)\n'1' in c.file.getvalue()",
            value("True"),
        ),
        (
            "import jsonschema\ntry: jsonschema.validate({'a': 'x'}, {'properties': {'a': {'type': 'integer'}}})\nexcept jsonschema.ValidationError as e: print(e.message)",
            prints("'x' is not of type 'integer'\n"),
        ),
        (
            "from slugify import slugify\nfrom unidecode import unidecode\nfrom sortedcontainers import SortedDict\nslugify('Grüße, Köln!'), unidecode('北京').strip(), list(SortedDict(b=1, a=2))",
            value("('grusse-koln', 'Bei Jing', ['a', 'b'])"),
        ),
        (
            "from pygments import highlight\nfrom pygments.lexers import PythonLexer\nfrom pygments.formatters import HtmlFormatter\n'class=' in highlight('x = 1', PythonLexer(), HtmlFormatter())",
            value("True"),
        ),
    ]);
}

#[test]
fn progress_bars_of_rich_end_with_their_turn() {
    let sandbox = sandbox(|policy| policy.set_limit("wall_time_ms", 20_000u64).unwrap());
    let mut session = session_of(&sandbox);
    for code in [
        "from rich.progress import track\nimport time\nfor n in track(range(5)): time.sleep(0.01)",
        "from rich.progress import Progress\nwith Progress() as p:\n    t = p.add_task('a', total=3)\n    while not p.finished: p.advance(t)",
        "p = Progress()\np.start()\nt = p.add_task('never stopped')",
        "from tqdm import tqdm\nfor n in tqdm(range(3)): pass",
    ] {
        let outcome = run(&mut session, code);
        assert_eq!(outcome.status, Status::Ok, "{code}: {outcome:?}");
    }
}
