"""What the host runs in the guest while it builds an image.

`SOURCES` stands in front of this text: the files of `memex_guest`, by name. The
module made here answers the host's questions and removes itself at the end.
"""


def _bootstrap(sources):
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
    from memex_guest import entry, warmup

    # Blocks of one size that are taken at most.
    fill_max = 20_000
    entry.install()
    entries = ("run", "resume", "cancel", "inspect", "configure", "after_fork")

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

    def fill(size, make):
        """Takes the free blocks that are scattered over used pools, for good.

        What a session allocates then comes from fresh pools, one beside the other,
        and dirties few pages of its copy of the image.
        """
        # A pool that is filled in order, for the most part, was a fresh one. Blocks of
        # the same size that the loop itself needs for a moment lie in between.
        fresh = max(2, 4096 // size * 2 // 5)
        kept = [None] * fill_max
        run = previous = count = 0
        while run < fresh and count < fill_max:
            block = make()
            here = id(block)
            run = run + 1 if here > previous and here >> 12 == previous >> 12 else 0
            previous = here
            kept[count] = block
            count += 1
        del kept[max(0, count - run - 1) :]
        return kept

    def settle():
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
        # The header of a bytes object is 17 bytes, of an object 8, of a float 16.
        entry.filler = []
        for size in range(24, 513, 8):
            payload = bytes(size - 17)
            entry.filler.append(fill(size, lambda: bytes(bytearray(payload))))
        entry.filler.append(fill(8, object))
        entry.filler.append(fill(16, lambda: float("0.5")))

    def leave():
        import gc

        del sys.modules["_memex_bootstrap"]
        gc.collect()
        gc.freeze()

    def say(answer):
        sys.stdout.write(json.dumps(answer))
        sys.stdout.flush()

    module = types.ModuleType("_memex_bootstrap")
    for function in (seed, report, packages, steps, warm, settle, leave):
        setattr(module, function.__name__, function)
    sys.modules["_memex_bootstrap"] = module


_bootstrap(SOURCES)
del _bootstrap, SOURCES
