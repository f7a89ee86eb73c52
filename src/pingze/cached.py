"""Compute a property once for each instance, without a lock.

Until Python 3.12, `functools.cached_property` has one lock for all instances of a class and holds
it while it computes: threads wait for each other, and a process that is forked meanwhile waits for
ever.
"""

import sys
from functools import cached_property as cached_property
from typing import TYPE_CHECKING, Any

if not TYPE_CHECKING and sys.version_info < (3, 12):
    _Locking = cached_property

    class cached_property(_Locking):  # noqa: N801
        """A `functools.cached_property` without its lock."""

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            value = self.func(instance)
            vars(instance)[self.attrname] = value
            return value
