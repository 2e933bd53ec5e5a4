"""Routes of this face."""

from django.urls import path

from evaluation.rest_api.v1 import (
    attributions,
    benchmark_views,
    comparisons,
    diagnostics,
    drift,
    efficiency,
    leaderboard,
    nodes,
    views,
)

urlpatterns = [
    path("benchmarks", benchmark_views.BenchmarkListView.as_view()),
    path("benchmarks/<slug:slug>", benchmark_views.BenchmarkView.as_view()),
    path("benchmarks/<slug:slug>/export", benchmark_views.BenchmarkExportView.as_view()),
    path("benchmark-datasets", benchmark_views.BenchmarkDatasetListView.as_view()),
    path("benchmark-imports", benchmark_views.BenchmarkImportView.as_view()),
    path("runs", views.RunListView.as_view()),
    path("runs/<int:run_id>", efficiency.RunView.as_view()),
    path("runs/<int:run_id>/cancel", views.RunCancelView.as_view()),
    path("runs/<int:run_id>/diagnostics", diagnostics.RunDiagnosticsView.as_view()),
    path("runs/<int:run_id>/attributions", attributions.RunAttributionsView.as_view()),
    path("runs/<int:run_id>/items", comparisons.RunItemsView.as_view()),
    path("runs/<int:run_id>/items.<slug:ending>", comparisons.RunItemsFileView.as_view()),
    path("runs/<int:run_id>/outputs/<segment:name>", comparisons.RunOutputView.as_view()),
    path("comparisons", comparisons.ComparisonView.as_view()),
    path("comparisons/items", comparisons.ContrastView.as_view()),
    path("comparisons/items.<slug:ending>", comparisons.ContrastFileView.as_view()),
    path("runs/<int:run_id>/withdraw", views.RunWithdrawView.as_view()),
    path("runs/<int:run_id>/records", views.RunRecordListView.as_view()),
    path("runs/<int:run_id>/record", views.RunRecordView.as_view()),
    path("models/<segment:owner>/<segment:name>/runs", views.ModelRunsView.as_view()),
    path("models/<segment:owner>/<segment:name>/efficiency", efficiency.ModelEfficiencyView.as_view()),
    path("models/<segment:owner>/<segment:name>/scores", views.ModelScoresView.as_view()),
    path("models/<segment:owner>/<segment:name>/results/<slug:form>.yaml", views.ModelExportView.as_view()),
    path("leaderboards/<slug:slug>.csv", leaderboard.LeaderboardCsvView.as_view()),
    path("leaderboards/<slug:slug>", leaderboard.LeaderboardView.as_view()),
    path("nodes", nodes.NodesView.as_view()),
    path("nodes/<segment:name>/drain", nodes.NodeDrainView.as_view()),
    path("drift", drift.DriftView.as_view()),
    path("drift/<segment:name>/resume", drift.NodeResumeView.as_view()),
    path("keys", views.KeysView.as_view()),
]
