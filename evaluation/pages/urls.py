"""Evaluation's pages. Their fixed words win over a namespace's name; under a model they come before the catalogue's."""

from __future__ import annotations

from django.urls import path

from evaluation.pages import attributions, boards, comparisons, new_benchmark, nodes, operators, runs

urlpatterns = [
    path("benchmarks", boards.benchmarks),
    path("benchmarks/new", new_benchmark.new_benchmark),
    path("benchmarks/new/data", new_benchmark.data),
    path("benchmarks/new/draft", new_benchmark.draft),
    path("benchmarks/<slug:slug>", boards.benchmark),
    path("leaderboards", boards.boards),
    path("leaderboards/<slug:slug>", boards.board),
    path("ops/nodes", nodes.nodes),
    path("ops/nodes/<segment:name>/drain", nodes.drain),
    path("ops/drift", operators.drift_page),
    path("ops/drift/<segment:name>/resume", operators.resume),
    path("compare", comparisons.compare),
    path("runs", runs.run_list),
    path("runs/<int:run_id>", runs.run_page),
    path("runs/<int:run_id>/status", runs.status),
    path("runs/<int:run_id>/attributions", attributions.attributions_page),
    path("runs/<int:run_id>/attributions/<int:number>.png", attributions.picture),
    path("runs/<int:run_id>/cancel", runs.cancel),
    path("runs/<int:run_id>/withdraw", runs.withdraw),
    path("runs/<int:run_id>/again", runs.again),
    path("<owner:owner>/<segment:name>/scores", runs.scores),
    path("<owner:owner>/<segment:name>/evaluate", runs.evaluate),
]
