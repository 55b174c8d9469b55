"""What is done once, in the image: importing, first uses of everything slow, and cleaning up."""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import gc
import importlib
import linecache
import re
import sys
import warnings
from json import JSONDecoder, JSONEncoder

from memex_guest import (
    arguments,
    calls,
    channel,
    columns,
    definitions,
    display,
    figures,
    repeats,
    sources,
    strands,
    text,
    toolbox,
    turn,
    twins,
)

_decode = JSONDecoder().decode
_encode = JSONEncoder(ensure_ascii=True).encode

PRELOAD = """
json re dataclasses typing datetime decimal asyncio collections collections.abc itertools functools
math cmath random statistics csv io os sys time contextlib contextvars enum inspect ast linecache
textwrap string copy pickle uuid hashlib hmac fractions operator heapq bisect base64 struct binascii
pathlib tempfile traceback types abc warnings logging urllib.parse urllib.request urllib.error html
html.parser zipfile gzip zlib bz2 lzma tarfile shutil glob fnmatch calendar zoneinfo secrets numbers
array queue threading concurrent.futures concurrent.futures.thread concurrent.futures.process
multiprocessing multiprocessing.pool subprocess socket pprint reprlib difflib unicodedata locale
codecs argparse configparser tomllib xml.etree.ElementTree sqlite3 weakref gc platform signal
unittest unittest.mock timeit cProfile pdb doctest graphlib keyword token tokenize codeop code
importlib.metadata importlib.resources email.message http.client ipaddress mimetypes plistlib
numpy numpy.random numpy.linalg numpy.fft numpy.ma pandas matplotlib matplotlib.pyplot
matplotlib.dates matplotlib.backends.backend_agg PIL.Image dateutil.parser yaml tabulate
scipy scipy.stats scipy.optimize scipy.linalg scipy.signal scipy.interpolate
sklearn sklearn.linear_model sklearn.ensemble sklearn.cluster sklearn.model_selection
sklearn.metrics sklearn.preprocessing sklearn.pipeline sklearn.datasets sklearn.decomposition
statsmodels.api statsmodels.formula.api seaborn networkx bs4 lxml.etree lxml.html openpyxl
""".split()

WARM_TURNS = (
    "x = 1",
    "x += 1",
    "x",
    "print(x)",
    "pass",
    "def f(a, b=2):\n    return a / b\n\nclass C:\n    def __init__(self):\n        self.v = [f(i) for i in range(3)]\n\nC().v",
    "1/0",
    "f(1, 0)",
    "undefined_name",
    "{}['missing']",
    "[].nothing",
    "import no_such_module",
    "x = (",
    "print 'x'",
    "raise ValueError('a') from KeyError('b')",
    "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
    "exit(0)",
    "  y = 1\n  y",
    "%matplotlib inline\nx",
    "import json\njson.loads('{')",
    "import json, re, csv, io\njson.loads(json.dumps({'a': [1, 2.5, None, 'x']}))\nre.findall(r'\\w+', 'a b')\n"
    "list(csv.DictReader(io.StringIO('a,b\\n1,2\\n')))",
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: float = 1.0\n\nP(1)",
    "import datetime as dt\ndt.datetime(2020, 1, 2).strftime('%Y-%m-%d'), dt.datetime.fromisoformat('2020-01-02')",
    "import asyncio\nawait asyncio.sleep(0)",
    "async def g(n):\n    await asyncio.sleep(0)\n    return n\n\nawait asyncio.gather(*(g(i) for i in range(3)))",
    "async with asyncio.timeout(10):\n    await g(1)\nasync with asyncio.TaskGroup() as tg:\n    tg.create_task(g(2))",
    "asyncio.run(g(1))",
    "await asyncio.to_thread(f, 1)",
    "import threading\nt = threading.Thread(target=f, args=(1,)); t.start(); t.join()",
    "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as e:\n    r = list(e.map(f, [1, 2]))",
    "list(range(5000))",
    "{i: str(i) for i in range(2000)}",
    "display({'a': 1})",
)

WARM_NUMPY = (
    "import numpy as np\na = np.arange(2000).reshape(40, 50) * 0.5\na",
    "a.mean(axis=0).sum(), a @ a.T, np.linalg.solve(np.eye(3) * 2, np.ones(3)), np.sort(a[0]), np.sqrt(a).std()",
    "rng = np.random.default_rng(0)\nrng.normal(size=5)",
    "np.where(a > 1, a, 0)[:2, :3]",
    "np.ones(3) @ np.ones(4)",
)

WARM_PANDAS = (
    "import io\nimport pandas as pd\ndf = pd.DataFrame({'k': ['a', 'b', 'a', 'c'], 'v': [1, 2, 3, 4], 'w': [0.5, 1.5, 2.5, None]})\ndf",
    "df.groupby('k')['v'].sum()",
    "df.groupby('k').agg({'v': 'mean', 'w': ['min', 'max']})",
    "df.describe()",
    "df.merge(df, on='k', suffixes=('_l', '_r')).sort_values('v_l').head()",
    "pd.read_csv(io.StringIO('date,k,v\\n2020-01-01,a,1\\n2020-01-02,b,2\\n'), parse_dates=['date'])",
    "df.pivot_table(index='k', values='v', aggfunc='sum')",
    "df.assign(z=df.v * 2).query('z > 2').reset_index(drop=True).to_csv(index=False)",
    "df['k'].value_counts(), df['w'].fillna(0).rolling(2).mean(), df.isna().sum()",
    "pd.concat([df, df]).drop_duplicates().to_dict('records')",
    "df.info()",
    "pd.to_datetime(['2020-01-01', '2020-02-01']).to_series().dt.month",
    "df['k'].str.upper().tolist(), df.apply(lambda r: r.v, axis=1).sum(), df.dtypes",
    "df['missing']",
    "pd.DataFrame({'i': range(200)})",
)

WARM_FIGURES = (
    "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2, 3], label='l')\nax.bar([1, 2], [3, 4])\n"
    "ax.set_title('t')\nax.set_xlabel('x')\nax.legend()\nplt.show()",
    "plt.hist([1, 2, 2, 3])\nplt.scatter([1, 2], [3, 4])\nplt.tight_layout()",
)


WARM_TOOL = {
    "name": "warm",
    "identifier": "warm",
    "source": """
class Found(Record):
    title: str
    color: Color | None = None
    found: date | None = None

class Color(Enum):
    RED = "red"

def warm(query: str, limit: int = 10, *, since: date | None = None, cursor: str = ...) -> list[Found] | dict[str, Any]:
    \"\"\"Warms up.\"\"\"
    return _call("warm", {"query": query, "limit": limit, "since": since, "cursor": cursor}, warm)
""",
}


def exercise_tools():
    """Takes the ways of a tool once, without a host: its definition, arguments and results."""
    function = definitions.function_of(WARM_TOOL)
    parts = []
    for value in ("a", 1.5, [b"b"], {"c": None}):
        arguments.encoded("warm", {"query": value})
    found = [{"title": "t", "color": "red", "found": "2024-01-02", "more": {"a": [1]}}]
    reply = channel.framed(0, _encode({"result": found}), ())
    text.safe_repr(calls.value_of(reply, calls.converters[function]), 1000)
    if "pandas" in sys.modules:
        frame = columns.of_objects([{"i": 1, "f": 0.5, "t": "a"}, {"i": 2, "f": 1.5, "t": None}])
        table = arguments.plain(frame, parts, "warm", 0)
        text.safe_repr(calls.value_of(channel.framed(0, _encode({"result": table}), parts), None), 1000)
    definitions.forget()
    toolbox.forget()


def preload(names):
    """Imports modules; returns the names that failed with the reasons."""
    failed = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            try:
                importlib.import_module(name)
            except Exception as error:
                failed[str(name)] = text.summary(error, 300)
    figures.adopt()
    return failed


def preload_request(payload):
    """`preload` from JSON to JSON."""
    return _encode({"failed": preload(_decode(payload.decode("utf-8")))}).encode("ascii")


def warm(run):
    """Imports `PRELOAD`, runs the warm-up turns through `run`, cleans up; returns JSON bytes."""
    failed = preload(PRELOAD)
    for source in warm_turns():
        run((0).to_bytes(4, "little") + source.encode("utf-8"))
    exercise_tools()
    clean()
    return _encode({"failed": failed}).encode("ascii")


def warm_turns():
    """The warm-up turns for what has been imported."""
    turns = list(WARM_TURNS)
    for module, more in (("numpy", WARM_NUMPY), ("pandas", WARM_PANDAS), ("matplotlib.pyplot", WARM_FIGURES)):
        if module in sys.modules:
            turns.extend(more)
    return turns


def clean():
    """Leaves an empty scope and a frozen heap; the last thing before the image is captured."""
    for name in [name for name in turn.scope if not (name.startswith("__") and name.endswith("__"))]:
        del turn.scope[name]
    strands.forget()
    twins.forget()
    sources.forget()
    repeats.forget()
    linecache.clearcache()
    figures.close_all()
    re.purge()
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        sys.__dict__.pop(name, None)
    # Registries of warnings already shown: a session's first warning must be seen.
    for module in list(sys.modules.values()):
        registry = getattr(module, "__dict__", {}).get("__warningregistry__")
        if type(registry) is dict:
            registry.clear()
    display.figures.adopt()
    gc.collect()
    gc.collect()
    gc.freeze()
