"""A catalogue of synthetic repos, distributed as real ones are: few are big, popular or rated, most are not."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from django.contrib.postgres.indexes import GinIndex
from django.db import connection

from catalog.models import Commit, Line, Namespace, Ref, Repo, RepoFacts
from catalog.queries.search_document import document

NEWEST = datetime(2026, 11, 22, tzinfo=UTC)
TASKS = {
    "text-generation": 40, "text-classification": 14, "image-classification": 8, "feature-extraction": 7,
    "automatic-speech-recognition": 6, "text-to-image": 6, "token-classification": 5, "sentence-similarity": 5,
    "translation": 3, "object-detection": 2, "audio-classification": 2, "tabular-classification": 1, "": 21,
}  # fmt: skip
LIBRARIES = {"transformers": 60, "diffusers": 8, "sentence-transformers": 6, "peft": 8, "gguf": 6, "sklearn": 1, "": 11}
LICENCES = {"apache-2.0": 35, "mit": 18, "llama3.1": 5, "cc-by-4.0": 3, "cc-by-nc-4.0": 3, "other": 5, "": 31}
LANGUAGES = {"en": 60, "zh": 10, "pl": 3, "de": 4, "fr": 4, "es": 4, "ja": 3, "ko": 3, "multilingual": 2}
FAMILIES = ["bert", "llama-3.1", "qwen2.5", "mistral", "gemma-2", "whisper", "resnet", "vit", "t5", "roberta", "minilm"]
VARIANTS = [
    "base",
    "small",
    "large",
    "instruct",
    "chat",
    "finetuned",
    "lora",
    "sentiment",
    "ner",
    "gguf",
    "q4",
    "zh",
    "pl",
]
POLISH = ["Analiza wydźwięku tekstów", "Rozpoznawanie mowy", "Klasyfikacja zdjęć", "Łódzki model języka", "Tłumaczenie"]
CHINESE = ["中文情感分類", "小型語言模型", "圖像分類與辨識", "语音识别模型", "中文向量檢索", "繁體中文對話"]
SYLLABLES = ["ba", "ko", "tra", "mi", "lo", "ser", "vin", "tal", "dor", "eni", "pu", "gra", "sto", "wel", "xi", "qua"]
ROWS_PER_INSERT = 1000


def fill(number: int, *, seed: int = 7) -> None:
    """Insert `number` models into an empty database, and let PostgreSQL look at them."""
    choice = random.Random(seed)
    namespaces = _namespaces(max(number // 20, 1))
    vocabulary = ["".join(choice.choices(SYLLABLES, k=choice.randint(1, 4))) for _ in range(20_000)]
    index = next(index for index in RepoFacts._meta.indexes if index.name == "facts_document")
    assert isinstance(index, GinIndex)
    with connection.schema_editor() as editor:
        editor.remove_index(RepoFacts, index)
    for start in range(0, number, ROWS_PER_INSERT):
        numbers = range(start, min(start + ROWS_PER_INSERT, number))
        _insert(numbers, namespaces, vocabulary, choice)
    with connection.schema_editor() as editor:
        editor.add_index(RepoFacts, index)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _namespaces(number: int) -> list[Namespace]:
    names = [f"{SYLLABLES[at % 16]}{SYLLABLES[at // 16 % 16]}-lab{at}" for at in range(number)]
    return Namespace.objects.bulk_create(Namespace(name=name, key=name) for name in names)


def _insert(numbers: Sequence[int], namespaces: list[Namespace], vocabulary: list[str], choice: random.Random) -> None:
    repos = Repo.objects.bulk_create(_repo(number, namespaces, choice) for number in numbers)
    lines = Line.objects.bulk_create(Line(repo=repo, tip_seq=1) for repo in repos)
    commits = Commit.objects.bulk_create(_commit(repo, line) for repo, line in zip(repos, lines, strict=True))
    Ref.objects.bulk_create(Ref(repo=commit.repo, name="main", commit=commit) for commit in commits)
    RepoFacts.objects.bulk_create(_facts(commit, vocabulary, choice) for commit in commits)


def _repo(number: int, namespaces: list[Namespace], choice: random.Random) -> Repo:
    owner = namespaces[min(int(choice.paretovariate(0.8)) - 1, len(namespaces) - 1)]
    name = f"{choice.choice(FAMILIES)}-{choice.choice(VARIANTS)}-{choice.choice(VARIANTS)}-{number}"
    private = choice.random() < 0.1
    return Repo(
        namespace=owner,
        name=name,
        name_key=name,
        visibility=Repo.Visibility.PRIVATE if private else Repo.Visibility.PUBLIC,
    )


def _commit(repo: Repo, line: Line) -> Commit:
    oid = f"{repo.pk:040x}"
    return Commit(repo=repo, oid=oid, tree_oid=oid, line=line, seq=1, author_name="synthetic", title="initial commit")


def _facts(commit: Commit, vocabulary: list[str], choice: random.Random) -> RepoFacts:
    task, library, licence = _one(TASKS, choice), _one(LIBRARIES, choice), _one(LICENCES, choice)
    languages = sorted({_one(LANGUAGES, choice) for _ in range(choice.choice([0, 1, 1, 1, 2]))})
    tags = [tag for tag in (task, library, f"license:{licence}" if licence else "", *languages) if tag]
    title, rated = _title(choice), choice.random() < 0.05
    ratings = min(int(choice.paretovariate(1.0)), 500) if rated else 0
    stars = round(ratings * choice.uniform(2.5, 5))
    text = " ".join(_words(vocabulary, choice))
    return RepoFacts(
        repo=commit.repo,
        kind=Repo.Kind.MODEL,
        commit=commit,
        updated_at=NEWEST - timedelta(minutes=choice.expovariate(1 / 200_000)),
        title=title,
        task=task,
        library=library,
        licence=licence,
        languages=languages,
        tags=tags,
        card_data={"license": licence, "language": languages, "pipeline_tag": task},
        config={"architectures": ["SomethingModel"], "model_type": "something"},
        formats=["safetensors"],
        parameters=int(10 ** choice.uniform(5, 10.5)) if choice.random() < 0.8 else None,
        total_bytes=int(10 ** choice.uniform(5, 10.8)),
        file_count=choice.randint(1, 40),
        downloads=int(choice.paretovariate(0.6)) - 1,
        rating_count=ratings,
        rating_sum=stars,
        rating_sort=(stars + 38) / (ratings + 10) if ratings else 0,
        card_html=f"<p>{text}</p>",
        document=document(full_name=commit.repo.full_name, title=title, labels=[task, *tags], text=text),
        indexed_at=NEWEST,
    )


def _title(choice: random.Random) -> str:
    return choice.choices(["", choice.choice(POLISH), choice.choice(CHINESE)], [70, 15, 15])[0]


def _words(vocabulary: list[str], choice: random.Random) -> Iterator[str]:
    """Zipf's law: half of all text is a few common words."""
    yield from ("this", "model", "license", "training", "dataset")
    for _ in range(choice.randint(20, 250)):
        yield vocabulary[int(math.exp(choice.random() * math.log(len(vocabulary)))) - 1]


def _one(weights: dict[str, int], choice: random.Random) -> str:
    return choice.choices(list(weights), list(weights.values()))[0]
