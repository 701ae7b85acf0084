"""Domain values as JSON text, and back."""

from functools import cached_property
from typing import Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


class Documents(Generic[T]):
    """Encodes one type. The adapter is built at its first use: importing costs nothing."""

    def __init__(self, kind: type[T]) -> None:
        """``kind`` is a dataclass with complete annotations."""
        self._kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self._kind)

    def dump(self, value: T) -> str:
        """The value as JSON text."""
        return self._adapter.dump_json(value, exclude_defaults=True).decode()

    def load(self, text: str) -> T:
        """The value of this JSON text."""
        return self._adapter.validate_json(text)
