"""Modules that are looked for here and missing: why, and what serves instead.

The host reads the table too: it tells why a package cannot be added to an image.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

# Names | kind | what to do. `native`: compiled code; `system`: an interface of the
# operating system; `gone`: no longer part of Python; `network`: sockets;
# `package`: pure Python, can be added to an image; `other`: what is said is all.
TABLE = """
torch torchvision torchaudio tensorflow keras jax flax mxnet paddle | native | use scikit-learn (sklearn.neural_network has multi-layer perceptrons) or numpy
transformers sentence_transformers datasets tokenizers huggingface_hub onnxruntime onnx | native | use scikit-learn (TfidfVectorizer for texts)
xgboost lightgbm catboost | native | use sklearn.ensemble (HistGradientBoostingClassifier, HistGradientBoostingRegressor)
polars cudf vaex | native | use pandas
pyspark ray polars-runtime-32 polars-lts-cpu | native | use pandas, in pieces if it is large (read_csv(chunksize=…))
pyarrow fastparquet | native | use pandas for CSV and JSON; the host reads Parquet with `sql` where a session has it
duckdb | native | use sqlite3 or pandas; `sql` where a session has it
cv2 opencv-python opencv-python-headless opencv-contrib-python skimage scikit-image mahotas | native | use PIL, numpy and scipy.ndimage
numba cython Cython pythran | native | use numpy: whole arrays instead of loops
spacy gensim | native | use re, collections and sklearn.feature_extraction.text
shapely geopandas fiona pyproj rasterio cartopy | native | use numpy for coordinates and matplotlib for maps
psycopg2 psycopg2-binary psycopg pymssql MySQLdb oracledb cx_Oracle pyodbc | native | use sqlite3, or `sql` where a session has it
fitz pymupdf pypdfium pikepdf pdfium pypdfium2 | native | use pypdf to read PDF files, reportlab to write them
tables pytables h5py netCDF4 zarr | native | use numpy (np.savez) or pandas (to_csv, to_pickle)
ujson orjson rapidjson simdjson msgspec | native | use json
lz4 zstandard snappy brotli blosc | native | use zlib, gzip, bz2 or lzma
cryptography Crypto pycryptodome nacl bcrypt argon2 | native | use hashlib, hmac and secrets
pydantic_core | native | use pydantic 1, which is pure Python and part of the image
rpds rpds-py | native | use jsonschema 4.17, which is part of the image
grpc grpcio | native | use json, or `requests` where hosts are granted
psutil | native | use os, shutil.disk_usage and time
regex_spm Levenshtein rapidfuzz | native | use difflib
cvxpy ortools gurobipy highspy | native | use scipy.optimize (linprog, milp)
prophet pmdarima arch pystan cmdstanpy pymc | native | use statsmodels (tsa) or scipy.stats
umap umap-learn hdbscan | native | use sklearn.manifold and sklearn.cluster
igraph python-igraph graph_tool | native | use networkx
wordcloud kaleido pygraphviz cairo cairosvg | native | use matplotlib
PyQt5 PyQt6 PySide2 PySide6 wx kivy pygame pyglet | native | there is no screen: draw with matplotlib or PIL
selenium playwright pyppeteer | network | use `requests` or `fetch` where hosts are granted, and bs4 for HTML
aiohttp httpx websockets websocket paramiko boto3 botocore redis pymongo kafka pika zmq | network | use `requests` or `fetch` where hosts are granted
flask fastapi uvicorn starlette django tornado bottle sanic streamlit gradio dash | network | nothing can listen here: call the functions directly
openai anthropic google.generativeai ollama litellm langchain | network | models are called by whoever runs the session; use a tool of the session
fcntl | system | files are this session's own and need no locks
termios tty pty curses _curses readline msvcrt winreg winsound | system | there is no terminal: print what you want to show
resource | system | use time.process_time; the limits are those of the policy
syslog | system | use logging or print
tkinter _tkinter turtle turtledemo idlelib | system | there is no screen: draw with matplotlib
pip ensurepip venv virtualenv setuptools pkg_resources wheel distutils | other | nothing can be installed from inside; importlib.metadata tells versions, packaging.version compares them
imp | gone | use importlib
asyncore asynchat smtpd | gone | use asyncio
cgi cgitb | gone | use urllib.parse and html
telnetlib nntplib | gone | there is no network
pipes commands | gone | there are no processes: use Python
aifc audioop sunau sndhdr chunk | gone | use wave or scipy.io.wavfile
imghdr | gone | use PIL.Image.open(file).format
crypt spwd nis | gone | use hashlib
xdrlib uu | gone | use struct or binascii
lib2to3 | gone | use ast
"""

_NATIVE = "it needs native code, which the sandbox cannot load"
REASONS = {
    "native": _NATIVE,
    "network": "it needs sockets, which the sandbox has not got",
    "system": "the sandbox has no such interface of an operating system",
    "gone": "it is no longer part of Python",
    "other": "the sandbox has none",
}
ADDED = (
    "it is not in this image; pure-Python packages can be added to it by whoever starts the session "
    "(--package NAME==VERSION)"
)

_entries = {}


def remedy(name):
    """Why a module is missing, and what to do, in one line."""
    if not _entries:
        for line in TABLE.strip().split("\n"):
            names, kind, words = line.split(" | ")
            for one in names.split():
                _entries[one] = REASONS[kind] + "; " + words
    return _entries.get(name) or ADDED
