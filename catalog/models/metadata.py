"""What we know about a repo from reading its files, in columns that lists filter and sort by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone

from catalog.models.repo import Repo
from catalog.models.revision import Commit


def _words() -> ArrayField[Any, Any]:
    return ArrayField(models.CharField(max_length=255), default=list, blank=True)


INDEXING_TAKES = timedelta(seconds=20)  # a job for a newer change is likely still under way


class RepoFactsQuerySet(models.QuerySet["RepoFacts"]):
    def overdue(self) -> RepoFactsQuerySet:
        """Those whose index job seems lost, oldest first; repos selected."""
        waiting = self.filter(indexed_at=None, updated_at__lt=timezone.now() - INDEXING_TAKES, repo__deleted_at=None)
        return waiting.select_related("repo").order_by("updated_at")


class RepoFacts(models.Model):
    """Facts of the head of the default branch, read before the commit answers (decision 21).

    Also the row that lists are made of: whatever a list filters or sorts by is a column here.
    Whether somebody may see the row is never decided here but by `Repo.objects.visible_to`.
    """

    repo = models.OneToOneField(Repo, primary_key=True, on_delete=models.CASCADE, related_name="facts")
    kind = models.CharField(max_length=7, choices=Repo.Kind)  # copied from repo, never changes
    commit = models.ForeignKey(Commit, null=True, on_delete=models.SET_NULL, related_name="+")
    updated_at = models.DateTimeField(default=timezone.now)  # newest commit or settings change

    # From the card
    title = models.CharField(max_length=300, blank=True)
    summary = models.TextField(blank=True)
    task = models.CharField(max_length=100, blank=True)  # pipeline_tag
    library = models.CharField(max_length=100, blank=True)  # library_name
    licence = models.CharField(max_length=100, blank=True)  # identifier as in the card, lower case
    languages = _words()
    tags = _words()  # everything `filter=` matches: task, library, language, license:x, dataset:x, …
    datasets = _words()
    base_models = _words()
    base_relation = models.CharField(max_length=20, blank=True)  # finetune, adapter, quantized, merge
    card_data = models.JSONField(null=True)  # the whole front matter
    eval_results = models.JSONField(default=list)  # of .eval_results/*.yaml: [{"filename", "data" or "error"}]
    card_problems = models.JSONField(default=list)  # [{"field", "message"}]
    claims = models.JSONField(default=list)  # of model-index: [{task, dataset, metric, value, …}]

    # From the files
    config = models.JSONField(null=True)  # {"architectures", "model_type", …}
    formats = _words()
    gguf = models.JSONField(null=True)  # {"total", "architecture", "context_length", …} of the first GGUF file
    parameters = models.BigIntegerField(null=True)
    parameters_by_dtype = models.JSONField(default=dict)
    total_bytes = models.BigIntegerField(default=0)
    file_count = models.PositiveIntegerField(default=0)
    file_problems = models.JSONField(default=list)  # [{"path", "message"}]

    # From use
    downloads = models.BigIntegerField(default=0)  # last 30 days
    downloads_all_time = models.BigIntegerField(default=0)
    likes = models.PositiveIntegerField(default=0)
    rating_count = models.PositiveIntegerField(default=0)
    rating_sum = models.PositiveIntegerField(default=0)
    rating_sort = models.FloatField(default=0)  # Bayesian mean; 0 when unrated, so unrated sort last

    # Written by jobs, a moment later (decision 21)
    card_html = models.TextField(blank=True)
    card_html_key = models.CharField(max_length=40, blank=True)  # says what the HTML was made from, and how
    document = SearchVectorField(null=True)
    indexed_at = models.DateTimeField(null=True)  # None: `document` is out of date, a job is due

    objects = RepoFactsQuerySet.as_manager()

    class Meta:
        indexes: ClassVar[list[Any]] = [
            GinIndex(fields=["document"], name="facts_document", fastupdate=False),
            GinIndex(fields=["tags"], name="facts_tags", fastupdate=False),
            models.Index(fields=["kind", "-updated_at", "-repo"], name="facts_by_updated"),
            models.Index(fields=["kind", "-downloads", "-repo"], name="facts_by_downloads"),
            models.Index(fields=["kind", "-rating_sort", "-repo"], name="facts_by_rating"),
            models.Index(fields=["kind", "-likes", "-repo"], name="facts_by_likes"),
            models.Index(fields=["kind", "-total_bytes", "-repo"], name="facts_by_bytes"),
            models.Index(fields=["kind", "task", "-downloads", "-repo"], name="facts_by_task"),
            models.Index(fields=["kind", "library", "-downloads", "-repo"], name="facts_by_library"),
            models.Index(fields=["kind", "licence", "-downloads", "-repo"], name="facts_by_licence"),
            GinIndex(fields=["languages"], name="facts_languages", fastupdate=False),
            GinIndex(
                fields=["eval_results"], name="facts_eval_results", opclasses=["jsonb_path_ops"], fastupdate=False
            ),
            # which spaces use this model or dataset
            GinIndex(
                fields=["card_data"],
                name="facts_card_of_space",
                opclasses=["jsonb_path_ops"],
                fastupdate=False,
                condition=models.Q(kind="space"),
            ),
            models.Index(fields=["indexed_at"], name="facts_unindexed", condition=models.Q(indexed_at=None)),
        ]

    def __str__(self) -> str:
        return f"facts of {self.repo_id}"

    @property
    def rating_mean(self) -> float | None:
        """Plain mean of the stars, None when nobody rated."""
        return self.rating_sum / self.rating_count if self.rating_count else None
