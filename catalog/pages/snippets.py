"""“Use this model”: what to paste where, with this hub's address and the exact revision in it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from catalog import links
from catalog.models import Commit, Repo, TreeEntry

# The class that loads a model for a task, where `pipeline` has no name for it.
_NOT_PIPELINES = {"sentence-similarity", "text-ranking", "reinforcement-learning", "robotics", "graph-ml", ""}

# One call that shows an answer, for tasks whose input fits into a line.
_SAMPLE_CALLS = {
    "text-classification": '\nprint(pipe("Witaj, świecie"))',
    "token-classification": '\nprint(pipe("Maria mieszka w Krakowie."))',
    "text-generation": '\nprint(pipe("Dawno, dawno temu", max_new_tokens=20))',
}


@dataclass(frozen=True)
class Snippet:
    """One tab: a tool, and the text to copy. `note` says what to know before."""

    key: str
    title: str
    code: str
    note: str = ""


def endpoint_of(request: HttpRequest) -> str:
    """Where this hub is, as clients write it."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def snippets_for(repo: Repo, commit: Commit, *, endpoint: str, largest: TreeEntry | None) -> list[Snippet]:
    """The tabs for this repo, the library its card names first."""
    found = [_hf(repo, commit, endpoint), _huggingface_hub(repo, commit, endpoint)]
    if largest is not None:
        found.append(_curl(repo, commit, endpoint, largest))
    if repo.kind == Repo.Kind.MODEL:
        loader = _loader(repo, commit, endpoint)
        if loader is not None:
            found.insert(0, loader)
    elif repo.kind == Repo.Kind.DATASET:
        found.insert(0, _datasets(repo, commit, endpoint))
    return found


def _python_head(repo: Repo, endpoint: str) -> str:
    lines = ["import os", f'os.environ["HF_ENDPOINT"] = "{endpoint}"  # before the imports below']
    if repo.is_private:
        lines.append('os.environ["HF_TOKEN"] = "hf_…"  # your access token')
    return "\n".join(lines)


def _loader(repo: Repo, commit: Commit, endpoint: str) -> Snippet | None:
    facts, head = repo.facts, _python_head(repo, endpoint)
    if facts.library == "sentence-transformers":
        body = (
            "from sentence_transformers import SentenceTransformer\n\n"
            f'model = SentenceTransformer(\n    "{repo.full_name}",\n    revision="{commit.oid}",\n)\n'
            'print(model.encode(["Hello", "Witaj", "你好"]).shape)'
        )
        return Snippet("sentence-transformers", "sentence-transformers", f"{head}\n\n{body}")
    if facts.config is None and facts.library != "transformers":
        return None
    if facts.task in _NOT_PIPELINES:
        body = (
            "from transformers import AutoModel\n\n"
            f'model = AutoModel.from_pretrained(\n    "{repo.full_name}",\n    revision="{commit.oid}",\n)'
        )
    else:
        body = (
            "from transformers import pipeline\n\n"
            f'pipe = pipeline(\n    "{facts.task}",\n    model="{repo.full_name}",\n    revision="{commit.oid}",\n)'
            + _SAMPLE_CALLS.get(facts.task, "")
        )
    return Snippet("transformers", "transformers", f"{head}\n\n{body}")


def _datasets(repo: Repo, commit: Commit, endpoint: str) -> Snippet:
    body = (
        "from datasets import load_dataset\n\n"
        f'data = load_dataset(\n    "{repo.full_name}",\n    revision="{commit.oid}",\n)'
    )
    return Snippet("datasets", "datasets", f"{_python_head(repo, endpoint)}\n\n{body}")


def _hf(repo: Repo, commit: Commit, endpoint: str) -> Snippet:
    kind = f" --repo-type {repo.kind}" if repo.kind != Repo.Kind.MODEL else ""
    lines = [f"export HF_ENDPOINT={endpoint}"]
    if repo.is_private:
        lines.append("export HF_TOKEN=hf_…")
    lines.append(f"hf download {repo.full_name}{kind} \\\n  --revision {commit.oid}")
    return Snippet("hf", "hf", "\n".join(lines))


def _huggingface_hub(repo: Repo, commit: Commit, endpoint: str) -> Snippet:
    kind = f'\n    repo_type="{repo.kind}",' if repo.kind != Repo.Kind.MODEL else ""
    token = '\n    token="hf_…",' if repo.is_private else ""
    code = (
        "from huggingface_hub import snapshot_download\n\n"
        f'path = snapshot_download(\n    "{repo.full_name}",{kind}\n    revision="{commit.oid}",'
        f'\n    endpoint="{endpoint}",{token}\n)'
    )
    return Snippet("huggingface_hub", "huggingface_hub", code)


def _curl(repo: Repo, commit: Commit, endpoint: str, entry: TreeEntry) -> Snippet:
    address = endpoint + links.resolve(repo, commit.oid, entry.path)
    token = ' -H "Authorization: Bearer $HF_TOKEN"' if repo.is_private else ""
    name = shlex.quote(entry.name)
    lines = [f"curl -L{token} -o {name} \\\n  {shlex.quote(address)}"]
    if entry.blob is not None:
        lines.append(f"echo {shlex.quote(f'{entry.blob.sha256}  {entry.name}')} | sha256sum --check")
    return Snippet("curl", "curl", "\n".join(lines), note=_("One file, with the check that it arrived whole."))


def upload_steps(repo: Repo, endpoint: str) -> list[Snippet]:
    """How the first files get into an empty repo without a browser."""
    kind = f" --repo-type {repo.kind}" if repo.kind != Repo.Kind.MODEL else ""
    python_kind = f', repo_type="{repo.kind}"' if repo.kind != Repo.Kind.MODEL else ""
    hf = f"export HF_ENDPOINT={endpoint}\nhf auth login\nhf upload {repo.full_name} ./my-folder .{kind}"
    python = (
        "from huggingface_hub import HfApi\n\n"
        f'api = HfApi(endpoint="{endpoint}", token="hf_…")\n'
        f'api.upload_folder(repo_id="{repo.full_name}"{python_kind}, folder_path="my-folder")'
    )
    return [Snippet("hf", "hf", hf), Snippet("python", "Python", python)]
