"""Which function answers a request, by the rules of an HTTP API.

The most specific path wins: a literal segment before a parameter, from left to right. A path
that is known under other methods, and any unknown path, go to the function declared for
``$default``.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wedsync.runtime.declarations import Function, HttpTrigger

DEFAULT = "$default"
ANY = "ANY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a request came to. ``function`` is None where nothing answers it.

    ``allowed``: the methods of a known path that takes others than the request's.
    """

    function: Function | None
    trigger: HttpTrigger | None
    key: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] | None = None


@dataclass(slots=True)
class _Template:
    path: str
    segments: tuple[str, ...]
    methods: dict[str, Function] = field(default_factory=dict)

    def parameters(self, segments: Sequence[str]) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for wanted, given in zip(self.segments, segments, strict=True):
            if _is_parameter(wanted):
                if not given:
                    return None
                found[wanted[1:-1]] = given
            elif wanted != given:
                return None
        return found


class Routes:
    """Every declared route."""

    def __init__(self, functions: Sequence[Function]) -> None:
        self._default: Function | None = None
        templates: dict[str, _Template] = {}
        for function in functions:
            trigger = function.declaration.trigger
            if not isinstance(trigger, HttpTrigger):
                continue
            if trigger.path == DEFAULT:
                self._default = function
                continue
            template = templates.setdefault(
                trigger.path, _Template(trigger.path, tuple(trigger.path.split("/")))
            )
            template.methods[trigger.method] = function
        self._by_length: dict[int, list[_Template]] = defaultdict(list)
        for template in sorted(templates.values(), key=_generality):
            self._by_length[len(template.segments)].append(template)

    def find(self, method: str, path: str) -> Route:
        """The route of a request; ``path`` is decoded."""
        segments = path.split("/")
        known: _Template | None = None
        for template in self._by_length.get(len(segments), ()):
            parameters = template.parameters(segments)
            if parameters is None:
                continue
            for name in (method, ANY):
                if (function := template.methods.get(name)) is not None:
                    return _route(function, f"{name} {template.path}", parameters)
            known = known or template
        if known is None:
            return _route(self._default, DEFAULT, {})
        allowed = tuple(sorted(known.methods))
        return _route(self._default, f"{ANY} {known.path}", {}, allowed=allowed)


def _route(
    function: Function | None,
    key: str,
    parameters: Mapping[str, str],
    *,
    allowed: tuple[str, ...] | None = None,
) -> Route:
    trigger = function.declaration.trigger if function is not None else None
    return Route(
        function=function,
        trigger=trigger if isinstance(trigger, HttpTrigger) else None,
        key=key,
        parameters=parameters,
        allowed=allowed,
    )


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{") and segment.endswith("}")


def _generality(template: _Template) -> tuple[bool, ...]:
    return tuple(_is_parameter(segment) for segment in template.segments)
