"""`path__any_of=paths`: as `__in`, but one parameter however many values; thousands of parameters take long to bind."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler


@models.ForeignKey.register_lookup  # which knows nothing of those of other fields
@models.Field.register_lookup
class AnyOf(models.Lookup):
    """The values are sent as one array. They must have the column's own type already."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        column, parameters = self.process_lhs(compiler, connection)
        kind = "text" if isinstance(self.lhs.output_field, models.CharField) else "bigint"
        return f"{column} = ANY(%s::{kind}[])", (*parameters, list(self.rhs))
