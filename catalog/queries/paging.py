"""Pages by keyset: "the next 30 after this row" costs the same on every page, and cursors are signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Generic, TypeVar

from django.core import signing
from django.db.models import BooleanField, F, Func, Value

from catalog.errors import InvalidCursor

LARGEST_PAGE: Final = 100
LONGEST_CURSOR: Final = 512  # characters

Key = int | float | str | datetime
T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list, and where the list goes on in both directions (None: it does not)."""

    items: list[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None


@dataclass(frozen=True)
class Cursor:
    """The row a page starts behind, by its sort keys."""

    keys: tuple[Key, ...]
    is_backward: bool = False  # towards the start of the list

    def seal(self, list_name: str) -> str:
        """Returns the cursor as clients carry it. It fits only the list it was made for."""
        keys = [{"at": key.isoformat()} if isinstance(key, datetime) else key for key in self.keys]
        return signing.dumps([int(self.is_backward), *keys], salt=f"cursor:{list_name}")

    @classmethod
    def unseal(cls, text: str, list_name: str) -> Cursor:
        """Raises `InvalidCursor` for what is not ours or belongs to another list."""
        try:
            if len(text) > LONGEST_CURSOR:
                raise InvalidCursor
            is_backward, *keys = signing.loads(text, salt=f"cursor:{list_name}")
        except signing.BadSignature:
            raise InvalidCursor from None
        return cls(keys=tuple(_thawed(key) for key in keys), is_backward=bool(is_backward))


class IsBeyond(Func):
    """Whether a row comes after the cursor's; compared as one tuple, so that an index serves it."""

    output_field: ClassVar[BooleanField[bool, bool]] = BooleanField()
    template = "%(expressions)s"

    def __init__(self, columns: Sequence[str], cursor: Cursor) -> None:
        left = Func(*(F(column) for column in columns), template="(%(expressions)s)")
        right = Func(*(Value(key) for key in cursor.keys), template="(%(expressions)s)")
        # Lists run downwards: what follows is smaller.
        super().__init__(left, right, arg_joiner=" > " if cursor.is_backward else " < ")


def _thawed(key: float | str | dict[str, str]) -> Key:
    return datetime.fromisoformat(key["at"]) if isinstance(key, dict) else key
