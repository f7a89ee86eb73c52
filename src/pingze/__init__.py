"""pingze 平仄: compose classical Chinese poems with a small LSTM.

`__init__.pyi` lists the public names. Each name is imported when it is first used: importing the
package takes 11 ms, and importing all of them would take 320 ms.
"""

from pingze.machine import set_pools

set_pools()


# Modules are imported within functions because importing pingze should not import them.
def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    module_by_name = _modules_of_public_names()
    if name == "__all__":
        return list(module_by_name)
    if name not in module_by_name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(module_by_name[name])
    value: object = getattr(module, name)
    globals()[name] = value  # Python will find the name here, and not call `__getattr__` again
    return value


def __dir__() -> list[str]:
    return [*globals(), *_modules_of_public_names()]


def _modules_of_public_names() -> dict[str, str]:
    """Map each public name to its module, as `__init__.pyi` lists them."""
    module_by_name = {}
    with open(f"{__file__}i", encoding="utf-8") as stub:
        for line in stub:
            # A line of a public name is "from MODULE import NAME as NAME".
            if line.startswith("from "):
                _, module, _, name, _, _ = line.split()
                module_by_name[name] = module
    return module_by_name
