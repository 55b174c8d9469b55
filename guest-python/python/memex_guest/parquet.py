"""Parquet and Feather files in pandas, which needs `pyarrow` for them elsewhere.

The host makes a stream of Arrow of a Parquet file, and the other way round; the rest is done here.
"""

from memex_guest.isolation import BUILTINS as __builtins__  # noqa: A004

import os
from importlib import import_module as _import
from importlib.util import find_spec as _find_spec

from memex_guest import channel, later, tabular

_CODECS = {None: "none", "none": "none", "uncompressed": "none", "snappy": "snappy", "gzip": "gzip", "zstd": "zstd", "lz4": "lz4", "lz4_raw": "lz4"}
_GROUP_ROWS = 1 << 20
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# Options of pyarrow's that change how a file is written or read, not what is in it.
_TUNING = frozenset(
    "use_threads memory_map buffer_size pre_buffer use_legacy_dataset version data_page_size data_page_version write_statistics "
    "store_schema write_page_index write_batch_size dictionary_pagesize_limit existing_data_behavior chunksize".split()
)


def install():
    """Says what follows on the imports of pandas' modules for both."""
    later.after("pandas.io.parquet", _adopt_parquet)
    later.after("pandas.io.feather_format", _adopt_feather)


def _is_missing(name):
    return _find_spec(name) is None


def _adopt_parquet(module):
    engines = module.get_engine

    class HostImpl(module.BaseImpl):
        """The engine that is there where pandas would look for pyarrow and fastparquet."""

        def write(self, df, path, compression="snappy", index=None, storage_options=None, partition_cols=None, filesystem=None, **options):
            self.validate_dataframe(df)
            request = _write_request(compression, options)
            target, handles, _ = module._get_path_or_handle(path, filesystem, storage_options=storage_options, mode="wb", is_dir=partition_cols is not None)
            try:
                if partition_cols is not None:
                    _write_parts(df, target, [partition_cols] if isinstance(partition_cols, str) else list(partition_cols), request, index)
                else:
                    target.write(_file_of(df, request, index))
            finally:
                if handles is not None:
                    handles.close()

        def read(self, path, columns=None, filters=None, dtype_backend=None, storage_options=None, filesystem=None, to_pandas_kwargs=None, **options):
            _check_options("read_parquet", {**options, **(to_pandas_kwargs or {})})
            backend = _backend(dtype_backend)
            source, handles, _ = module._get_path_or_handle(path, filesystem, storage_options=storage_options, mode="rb")
            try:
                if isinstance(source, str) and os.path.isdir(source):
                    return _read_parts(source, columns, filters, backend)
                return _read_file(_whole(source), columns, filters, backend)
            finally:
                if handles is not None:
                    handles.close()

    def get_engine(engine):
        """The engine of that name; the one that is there, where none of pandas' is."""
        if engine in ("auto", "pyarrow", "fastparquet") and _is_missing("pyarrow") and _is_missing("fastparquet"):
            return HostImpl()
        return engines(engine)

    module.get_engine = get_engine


def _adopt_feather(module):
    to_feather, read_feather = module.to_feather, module.read_feather
    frames, handles_of = module.DataFrame, module.get_handle

    def write(df, path, storage_options=None, **options):
        if not _is_missing("pyarrow"):
            return to_feather(df, path, storage_options, **options)
        if not isinstance(df, frames):
            raise ValueError("feather only support IO with DataFrames")
        if options.pop("version", 2) != 2:
            raise ValueError("only version 2 of Feather can be written here")
        _check_options("to_feather", {name: value for name, value in options.items() if name not in ("compression", "compression_level")})
        with handles_of(path, "wb", storage_options=storage_options, is_text=False) as handles:
            handles.handle.write(tabular.packed(df))

    def read(path, columns=None, use_threads=True, storage_options=None, dtype_backend=None):
        if not _is_missing("pyarrow"):
            options = {} if dtype_backend is None else {"dtype_backend": dtype_backend}
            return read_feather(path, columns, use_threads, storage_options, **options)
        backend = _backend(dtype_backend)
        with handles_of(path, "rb", storage_options=storage_options, is_text=False) as handles:
            data = _whole(handles.handle)
        if data[:4] == b"FEA1":
            raise ValueError("this is a Feather file of version 1, which cannot be read here")
        return tabular.frame(data, None if columns is None else [str(column) for column in columns], backend)

    for function, own in ((write, to_feather), (read, read_feather)):
        function.__name__, function.__qualname__, function.__doc__, function.__module__ = own.__name__, own.__qualname__, own.__doc__, own.__module__
    module.to_feather, module.read_feather = write, read


def _whole(file):
    """The bytes of a file, wherever it stands: places in these formats count from its beginning."""
    if hasattr(file, "seekable") and file.seekable():
        file.seek(0)
    return file.read()


def _backend(dtype_backend):
    if isinstance(dtype_backend, str):
        if dtype_backend == "numpy_nullable":
            return dtype_backend
        _import("pandas.util._validators").check_dtype_backend(dtype_backend)
        raise ImportError("dtype_backend='pyarrow' needs the package pyarrow, which is native code and not there; use 'numpy_nullable'")
    return None


def _check_options(what, options):
    for name in options:
        if name not in _TUNING:
            raise TypeError(what + "() got an option that is not known here: " + repr(name))


def _write_request(compression, options):
    codec = compression.lower() if isinstance(compression, str) else compression
    if codec not in _CODECS:
        known = ", ".join(sorted(repr(name) for name in _CODECS if name))
        raise ValueError("Unsupported compression: " + repr(compression) + "; here there are None, " + known)
    request = {
        "name": "parquet.write",
        "compression": _CODECS[codec],
        "level": options.pop("compression_level", None),
        "group_rows": options.pop("row_group_size", None) or _GROUP_ROWS,
        "dictionary": bool(options.pop("use_dictionary", True)),
    }
    if options.pop("coerce_timestamps", None) is not None or options.pop("schema", None) is not None:
        raise NotImplementedError("coerce_timestamps and schema are not supported here: convert the columns first")
    options.pop("allow_truncated_timestamps", None)
    _check_options("to_parquet", options)
    return request


def _file_of(df, request, index):
    _, (file,) = channel.compute(request, (tabular.packed(df, index, True),))
    return file


def _read_file(data, columns, filters, backend):
    wanted = None if columns is None else [str(column) for column in columns]
    tested = _tested(filters)
    needed = None if wanted is None else list(dict.fromkeys([*wanted, *tested]))
    try:
        _, (stream,) = channel.compute({"name": "parquet.read", "columns": needed}, (data,))
    except (EOFError, ValueError) as error:
        raise ValueError("Could not open Parquet input source: " + str(error)) from None
    frame = tabular.frame(stream, needed, backend)
    return _filtered(frame, filters, wanted)


def _tested(filters):
    """The columns that filters look at."""
    return list(dict.fromkeys(str(test[0]) for group in _groups(filters) for test in group))


def _groups(filters):
    """Filters as alternatives of tests that must all hold."""
    if not filters:
        return []
    if not isinstance(filters, (list, tuple)):
        raise TypeError("filters are lists of tuples (column, op, value) here")
    return [filters] if isinstance(filters[0][0], str) else list(filters)


_OPERATIONS = {
    "=": lambda column, value: column == value,
    "==": lambda column, value: column == value,
    "!=": lambda column, value: (column != value) & column.notna(),
    "<": lambda column, value: column < value,
    ">": lambda column, value: column > value,
    "<=": lambda column, value: column <= value,
    ">=": lambda column, value: column >= value,
    "in": lambda column, value: column.isin(list(value)),
    "not in": lambda column, value: ~column.isin(list(value)) & column.notna(),
}


def _filtered(frame, filters, wanted):
    kept = None
    for group in _groups(filters):
        held = None
        for name, operation, value in group:
            if operation not in _OPERATIONS:
                raise ValueError('"' + str(operation) + '" is not a valid operator in predicates.')
            if name not in frame.columns:
                raise ValueError("No match for FieldRef.Name(" + str(name) + ") in " + ", ".join(map(str, frame.columns)))
            test = _OPERATIONS[operation](frame[name], value).fillna(False).astype(bool)
            held = test if held is None else held & test
        kept = held if kept is None else kept | held
    if kept is not None:
        is_numbered = isinstance(frame.index, _import("pandas").RangeIndex)
        frame = frame[kept]
        if is_numbered:
            frame = frame.reset_index(drop=True)
    return frame if wanted is None else frame[wanted]


def _write_parts(df, path, names, request, index):
    """A folder for each combination of values, with a file in it."""
    pandas = _import("pandas")
    # The parts of a usual index are no usual ones.
    has_index = index is True or index is None and not isinstance(df.index, pandas.RangeIndex)
    rest = df.drop(columns=names)
    if not len(rest.columns):
        raise ValueError("No data left to save outside partition columns")
    for values, part in rest.groupby([df[name] for name in names], observed=True, dropna=False):
        folders = [name + "=" + (_NO_PARTITION if pandas.isna(value) else str(value)) for name, value in zip(names, values)]
        folder = os.path.join(path, *folders)
        os.makedirs(folder, exist_ok=True)
        number = len(os.listdir(folder))
        with open(os.path.join(folder, "part-" + str(number) + ".parquet"), "wb") as file:
            file.write(_file_of(part, request, has_index))


def _read_parts(path, columns, filters, backend):
    """The files of a folder and of those in it, one after the other, with the columns that the folders name."""
    pandas = _import("pandas")
    frames, values = [], {}
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name[:1] not in "._")
        relative = os.path.relpath(folder, path)
        named = dict(part.split("=", 1) for part in relative.split(os.sep) if "=" in part)
        for name in sorted(files):
            if name[:1] in "._":
                continue
            with open(os.path.join(folder, name), "rb") as file:
                wanted = None if columns is None else [column for column in [*columns, *_tested(filters)] if column not in named]
                frames.append(_read_file(file.read(), wanted, None, backend))
            for key, value in named.items():
                values.setdefault(key, []).append((len(frames[-1]), None if value == _NO_PARTITION else value))
    if not frames:
        raise FileNotFoundError(path)
    frame = frames[0] if len(frames) == 1 else pandas.concat(frames, ignore_index=all(isinstance(part.index, pandas.RangeIndex) for part in frames))
    for key, runs in values.items():
        frame[key] = _named_by_folders(pandas, runs)
    return _filtered(frame, filters, None if columns is None else list(columns))


def _named_by_folders(pandas, runs):
    """What folders say of their files' rows: numbers if all are."""
    # In the order in which they appear.
    texts = list(dict.fromkeys(text for _, text in runs if text is not None))
    as_numbers = all(text.lstrip("-").isdigit() for text in texts)
    if as_numbers:
        # What fits is as narrow as pyarrow makes it.
        is_narrow = all(-(1 << 31) <= int(text) < 1 << 31 for text in texts)
        categories = pandas.Index([int(text) for text in texts], dtype="int32" if is_narrow else "int64")
    else:
        categories = texts
    cells = [None if text is None else int(text) if as_numbers else text for count, text in runs for _ in range(count)]
    return pandas.Categorical(cells, categories)
