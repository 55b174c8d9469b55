"""What the host runs in the guest while it builds an image.

`SOURCES` stands in front of this text: the files of `memex_guest`, by name. The
module made here answers the host's questions and removes itself at the end.
"""


def _bootstrap(sources):
    import gc
    import json
    import random
    import sys
    import types

    package = types.ModuleType("memex_guest")
    package.__path__ = []
    sys.modules["memex_guest"] = package
    exec(compile(sources["__init__"], "<memex_guest>", "exec"), package.__dict__)
    for name in package.ORDER:
        full = "memex_guest." + name
        module = types.ModuleType(full)
        module.__package__ = "memex_guest"
        sys.modules[full] = module
        exec(compile(sources[name], "<" + full + ">", "exec"), module.__dict__)
        setattr(package, name, module)
    from memex_guest import entry, recovery, warmup

    # Free blocks that are taken at most.
    fill_max = 1_000_000
    # More than any hole has, and what is left of it: what sessions use of it is
    # copied for each fork, what they grow by is not.
    probe_bytes = 8 << 20
    room_bytes = 1 << 20
    # Of a bytes object, with the allocator's own word before it.
    bytes_header = 21
    sizes = [int(2**20 / 1.1**step) for step in range(60)] + list(range(4096, 0, -16))
    entry.install()
    entries = ("run", "resume", "cancel", "inspect", "configure", "after_fork", "check", "disarm")

    def generators():
        found = [random._inst]
        legacy = sys.modules.get("numpy.random.mtrand")
        if legacy is not None:
            found.append(legacy._rand)
        return found

    def seed(value):
        for generator in generators():
            generator.seed(value)

    def report():
        seed(1)
        random, *numpy = generators()
        # The host writes into these objects: they must never be freed.
        entry.generators = (random, *numpy)
        answer = {name: id(getattr(entry, name)) for name in entries}
        answer["leave"] = id(leave)
        answer["bytes"] = id(bytes)
        answer["timeout_error"] = id(TimeoutError)
        answer["keyboard_interrupt"] = id(KeyboardInterrupt)
        answer["random"] = list(random.getstate()[1][:624])
        answer["numpy_random"] = [int(word) for word in numpy[0].get_state()[1]] if numpy else []
        say(answer)

    def packages(path):
        """Adds a folder of packages behind the guest's own library."""
        sys.path.append(path)

    def steps(standard, extra):
        names = list(warmup.PRELOAD) if standard else []
        turns = list(warmup.WARM_TURNS)
        if standard:
            turns += [*warmup.WARM_NUMPY, *warmup.WARM_PANDAS, *warmup.WARM_FIGURES]
        say([["import", name] for name in [*names, *extra]] + [["turn", text] for text in turns])

    def warm(kind, text):
        if kind == "turn":
            entry.run(b"\0\0\0\0" + text.encode())
            return
        failed = warmup.preload([text])
        if failed:
            raise ImportError(f"cannot preload {text}: {failed[text]}")

    def fill():
        """Takes the free blocks that are scattered over the heap, for good.

        What a session allocates then comes from the heap's end, one beside the other,
        and dirties few pages of its copy of the image.
        """
        kept = [None] * fill_max
        # Too large for any hole, so it lies where the heap ends.
        end = id(bytes(probe_bytes))
        count = 0
        for size in sizes:
            while count < fill_max:
                block = bytes(size - bytes_header) if size > bytes_header else object()
                if id(block) >= end:
                    break
                kept[count] = block
                count += 1
        entry.filler.append(kept)

    def clean():
        import os
        import shutil

        # A session has none of the files that are open now: fonts are opened again.
        fonts = sys.modules.get("matplotlib.font_manager")
        if fonts is not None:
            for cached in vars(fonts).values():
                if hasattr(cached, "cache_clear"):
                    cached.cache_clear()
        warmup.exercise_tools()
        warmup.clean()
        for folder in ("/tmp", "/home/user"):
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        os.chdir("/home/user")

    def settle():
        recovery.install()
        del sys.modules["_memex_bootstrap"]

    def leave(_payload):
        """Called by address: a block of code would leave holes when it is over."""
        # The second time, what lay in the interpreter's own lists of free objects.
        for _ in range(2):
            gc.collect()
            fill()
        entry.filler.append(bytes(probe_bytes - room_bytes))
        gc.freeze()
        return b""

    def say(answer):
        sys.stdout.write(json.dumps(answer))
        sys.stdout.flush()

    module = types.ModuleType("_memex_bootstrap")
    for function in (seed, report, packages, steps, warm, clean, settle):
        setattr(module, function.__name__, function)
    sys.modules["_memex_bootstrap"] = module
    # With this module: its functions would leave holes.
    entry.filler = [module]


_bootstrap(SOURCES)
del _bootstrap, SOURCES
