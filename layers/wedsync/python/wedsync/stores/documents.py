"""Domain values as JSON text, and back.

What a caller writes is bounded here, and refused before the cloud would refuse the item (400 KB,
with the answer that is remembered for an Idempotency-Key beside it).
"""

from functools import cached_property
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from wedsync.errors import TooLarge

T = TypeVar("T")
WRITTEN_BYTES = 64 * 1024
"""What a caller may write as one document."""
LISTED_BYTES = 20 * 1024
"""The same, of what one answer lists 200 times: Lambda answers with 6 MB at the most."""


class Documents(Generic[T]):
    """Encodes one type. The adapter is built at its first use: importing costs nothing."""

    def __init__(self, kind: type[T], *, most_bytes: int | None = None) -> None:
        """``kind`` is a dataclass with complete annotations.

        ``most_bytes``: what one may have as text, where callers say how much it is.
        """
        self._kind = kind
        self._most_bytes = most_bytes

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self._kind)

    def dump(self, value: T) -> str:
        """The value as JSON text. Raises TooLarge."""
        dumped = self._adapter.dump_json(value, exclude_defaults=True)
        if self._most_bytes is not None and len(dumped) > self._most_bytes:
            raise TooLarge(f"what is stored of it has at most {self._most_bytes} bytes")
        return dumped.decode()

    def load(self, text: str) -> T:
        """The value of this JSON text."""
        return self._adapter.validate_json(text)
