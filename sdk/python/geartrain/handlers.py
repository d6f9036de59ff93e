"""Which code runs which step: handlers by the name that a template's `handler.callable` gives."""

from __future__ import annotations

import inspect
import threading
from typing import Any, Callable, Dict, List, Mapping, Optional, TypeVar, Union

from .context import Context
from .results import HANDLER_NOT_FOUND, Failure

Target = TypeVar("Target")

DEFAULT_METHOD = "call"


class Registry:
    """Handlers by name. Safe for threads.

    A handler is a function of the context; or an object, whose method `call` (or the one that the template names) is
    the function; or a class of such objects, of which each run gets a new one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handlers: Dict[str, Any] = {}

    def handler(self, name: str) -> Callable[[Target], Target]:
        """Decorator: registers a function or a class under `name` and leaves it as it is."""

        def register(target: Target) -> Target:
            self.register(name, target)
            return target

        return register

    def register(self, name: str, target: Any) -> None:
        """Registers a function, an object or a class. A name belongs to one handler; registering the same again (as a
        reloaded module does) replaces it."""
        if not name or not isinstance(name, str):
            raise ValueError("a handler needs a name")
        if inspect.iscoroutinefunction(target):
            raise TypeError(f"handler {name!r} is a coroutine function; handlers run in threads")
        with self._lock:
            known = self._handlers.get(name)
            if known is not None and _origin(known) != _origin(target):
                raise ValueError(f"handler {name!r} is registered twice: {_origin(known)} and {_origin(target)}")
            self._handlers[name] = target

    def names(self) -> List[str]:
        """The registered names, sorted."""
        with self._lock:
            return sorted(self._handlers)

    def __len__(self) -> int:
        with self._lock:
            return len(self._handlers)

    def resolve(self, name: str, method: str = DEFAULT_METHOD) -> Union[Callable[[Context], Any], Failure]:
        """What to call for a step, or the failure that says why there is nothing to call."""
        with self._lock:
            target = self._handlers.get(name)
        if target is None:
            return Failure(f"no handler {name!r} is registered here", HANDLER_NOT_FOUND, False)
        if inspect.isclass(target):
            target = target()
        elif inspect.isroutine(target):
            if method == DEFAULT_METHOD:
                return target
            return Failure(f"handler {name!r} is a function, it has no method {method!r}", HANDLER_NOT_FOUND, False)
        found = None if method.startswith("_") else getattr(target, method, None)
        if callable(found):
            return found
        if method == DEFAULT_METHOD and callable(target):
            return target
        return Failure(f"handler {name!r} has no method {method!r}", HANDLER_NOT_FOUND, False)


def _origin(target: Any) -> str:
    named = target if hasattr(target, "__qualname__") else type(target)
    return f"{named.__module__}.{named.__qualname__}"


default_registry = Registry()


def handler(name: str, registry: Optional[Registry] = None) -> Callable[[Target], Target]:
    """Decorator: registers a function or a class under `name`, in the registry that workers use by default.

    >>> @handler("billing.charge")
    ... def charge(context):
    ...     return {"charged": context.get_input("amount")}
    """
    return (default_registry if registry is None else registry).handler(name)


def registry_of(handlers: Union[None, Registry, Mapping[str, Any]]) -> Registry:
    """A registry from what a worker is given: one, a mapping of names to handlers, or nothing (the default one)."""
    if handlers is None:
        return default_registry
    if isinstance(handlers, Registry):
        return handlers
    registry = Registry()
    for name, target in handlers.items():
        registry.register(name, target)
    return registry
