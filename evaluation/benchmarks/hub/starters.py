"""A definition to start from, for data somebody just uploaded."""

import re

from evaluation.benchmarks.hub.checking import Checked
from evaluation.benchmarks.writing import dump

REQUESTS = {"text-classification": "classify", "image-classification": "image-classify"}
MOST_LABELS = 2_000


def starter(*, task: str, repo: str, revision: str, checked: Checked, text: str, label: str) -> str:
    """YAML that measures accuracy on all rows; "" for tasks whose fields nobody can guess."""
    if task not in REQUESTS or not 2 <= len(checked.labels) <= MOST_LABELS:
        return ""
    name = repo.partition("/")[2]
    is_text = task == "text-classification"
    return dump(
        {
            "schema": 1,
            "id": _id_of(name),
            "version": 1,
            "title": name,
            "summary": "",
            "task": task,
            "tasks": [task],
            "status": "stable",
            "dataset": {"repo": repo, "revision": revision, "split": "test", "expect_rows": checked.rows},
            "fields": {"text": text, "target": label} if is_text else {"image": "file_name", "target": "label"},
            "labels": dict(enumerate(checked.labels)),
            "request": REQUESTS[task],
            "metrics": [{"name": "accuracy", "primary": True}, {"name": "macro_f1"}, {"name": "mcc"}],
        }
    )


def _id_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80].strip("-") or "benchmark"
