"""Queries that are compiled once. The ORM writes the SQL of a query anew at every call, which costs a millisecond
or two and was most of a small request; here it is written once for each process, and only the values change.
PostgreSQL plans it once for each connection.

The rules of who may see what stay where they are: a prepared query is built by the ORM from the same managers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet
from psycopg import sql
from psycopg.types.numeric import Int8

if TYPE_CHECKING:
    from marketplace.database.base import DatabaseWrapper

Build = Callable[..., QuerySet[Any]]
M = TypeVar("M", bound=Model)

# What stands for a value while the SQL is written: nothing that a query could hold by itself.
_TEXT_MARK: Final = "\ue000:{}"
_NUMBER_MARK: Final = -(8 * 10**18)


class Prepared:
    """A query with named values, each `str` or `int`.

    Args:
        build: makes the queryset, given a stand-in for each value by its name.
        columns: what each row holds, as `values_list` names it.
        values: name of each value → its type.
    """

    def __init__(self, build: Build, columns: Sequence[str], **values: type[str | int]) -> None:
        self._build = build
        self._columns = tuple(columns)
        self._marks: dict[str, str | int] = {
            name: _TEXT_MARK.format(name) if kind is str else _NUMBER_MARK - place
            for place, (name, kind) in enumerate(values.items())
        }

    def first(self, **values: str | int) -> tuple[Any, ...] | None:
        """Returns the first row, None when there is none."""
        statement, names = self._compiled
        with cast("DatabaseWrapper", connection).preparing_cursor() as cursor:
            cursor.execute(statement, [_sent(values[name]) for name in names])
            row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    @cached_property
    def _compiled(self) -> tuple[str, list[str]]:
        """The SQL, constants written into it, and for each of its parameters the name of a value."""
        query = self._build(**self._marks).values_list(*self._columns)[:1].query
        text, parameters = query.sql_with_params()
        names: Mapping[object, str] = {mark: name for name, mark in self._marks.items()}
        places = [names.get(_hashable(value), "") for value in parameters]
        if missing := set(self._marks) - set(places):
            raise ValueError(f"the query uses no value named {', '.join(sorted(missing))}")
        statement, *pieces = text.split("%s")
        for piece, name, value in zip(pieces, places, parameters, strict=True):
            statement += ("%s" if name else _literal(value)) + piece
        return statement, [name for name in places if name]


class Columns(Generic[M]):
    """The fields of one model among the columns of a row.

    Args:
        at: the path from the queryset's model, such as `repo__namespace`; "" is the model itself.
        fields, without: names of columns, all of them unless told. What is left out is fetched when somebody asks.
    """

    def __init__(
        self, model: type[M], at: str = "", *, fields: Sequence[str] = (), without: Sequence[str] = ()
    ) -> None:
        self._model = model
        known = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001  Django's documented API
        self._fields = [name for name in known if name not in without and (not fields or name in fields)]
        self.names = [f"{at}__{name}" if at else name for name in self._fields]

    def read(self, row: Sequence[Any], start: int) -> tuple[M, int]:
        """Returns the object whose columns begin at `start`, and where the next one's begin."""
        end = start + len(self._fields)
        return self._model.from_db(DEFAULT_DB_ALIAS, self._fields, row[start:end]), end


def _sent(value: str | int) -> str | int:
    """As one type for all sizes of numbers: another type would be another statement."""
    return Int8(value) if isinstance(value, int) else value


def _literal(value: object) -> str:
    return sql.Literal(value).as_string(None).replace("%", "%%")


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int) else None
