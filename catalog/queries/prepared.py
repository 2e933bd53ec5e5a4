"""Queries that are compiled once. The ORM writes the SQL of a query anew at every call, which costs a millisecond
or two and was most of a small request; here it is written once for each process, and only the values change.

The rules of who may see what stay where they are: a prepared query is built by the ORM from the same managers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, QuerySet

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
        sql, template = self._compiled
        with connection.cursor() as cursor:
            cursor.execute(sql, [values[name] if name else constant for name, constant in template])
            row: tuple[Any, ...] | None = cursor.fetchone()
        return row

    @cached_property
    def _compiled(self) -> tuple[str, list[tuple[str, Any]]]:
        """The SQL, and for each of its parameters the name of a value, or a constant."""
        query = self._build(**self._marks).values_list(*self._columns)[:1].query
        sql, parameters = query.sql_with_params()
        names: Mapping[object, str] = {mark: name for name, mark in self._marks.items()}
        template = [(names.get(_hashable(value), ""), value) for value in parameters]
        if missing := set(self._marks) - {name for name, _ in template}:
            raise ValueError(f"the query uses no value named {', '.join(sorted(missing))}")
        return sql, template


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


def _hashable(value: object) -> object:
    return value if isinstance(value, str | int) else None
