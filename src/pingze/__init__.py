"""pingze 平仄: compose classical Chinese poems with a small LSTM.

`__init__.pyi` lists the public names. Each name is imported when it is first used: importing the
package takes 11 ms, and importing all of them would take 320 ms.
"""

from pingze.machine import set_pools

set_pools()


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    homes = _homes()
    if name == "__all__":
        return list(homes)
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(homes[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_homes()]


def _homes() -> dict[str, str]:
    """Map each public name to its module; each line is "from MODULE import NAME as NAME"."""
    homes = {}
    with open(f"{__file__}i", encoding="utf-8") as public_names:
        for line in public_names:
            if line.startswith("from "):
                _, module, _, name, _, _ = line.split()
                homes[name] = module
    return homes
