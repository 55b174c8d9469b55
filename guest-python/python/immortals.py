"""Addresses of the objects that an image holds, as lines of hexadecimal digits.

Runs in a guest whose memory has been copied already: what this allocates is in no
image. Some addresses may be of objects that are younger than the copy; the host
compares both memories and leaves them out.
"""


def _immortals():
    import gc
    import sys
    from types import CodeType

    # Code objects do not tell the collector what they refer to.
    parts = ("co_consts", "co_names", "co_filename", "co_name", "co_qualname", "co_linetable", "co_exceptiontable")
    gc.disable()
    gc.unfreeze()
    known = set()
    frontier = [*gc.get_objects(), *sys.modules.values()]
    while frontier:
        fresh = []
        for thing in frontier:
            address = id(thing)
            if address not in known:
                known.add(address)
                fresh.append(thing)
        frontier = gc.get_referents(*fresh)
        for thing in fresh:
            if type(thing) is CodeType:
                frontier.extend(getattr(thing, part) for part in parts)
        del fresh
    thing = None
    addresses = sorted(known)
    for start in range(0, len(addresses), 4096):
        sys.stdout.write("\n".join(f"{address:x}" for address in addresses[start : start + 4096]) + "\n")
    sys.stdout.flush()


_immortals()
