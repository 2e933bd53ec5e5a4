"""Who and what the demo shows. Texts of models are in `cards/`, one Markdown template each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    name: str
    full_name: str


@dataclass(frozen=True)
class Team:
    name: str
    full_name: str
    admin: str
    writers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """A repo to upload: by whom, from which trained folder, to be run on which benchmarks."""

    repo: str
    uploader: str
    folder: str  # name of the trained model; MINILM for the packaged one
    card: str = ""  # file in cards/; "" keeps the folder's own README
    benchmarks: tuple[str, ...] = ()
    is_private: bool = False


@dataclass(frozen=True)
class Review:
    repo: str
    author: str
    stars: int
    text: str = ""
    used_for: str = ""
    hardware: str = ""
    language: str = ""
    downloaded: bool = True  # fetches the weights first, so the review is marked as verified use


MINILM = "minilm"

PEOPLE = (
    Person("ada-demo", "Ada Nowak"),
    Person("wei-demo", "陳偉"),
    Person("ola-demo", "Ola Wiśniewska"),
    Person("sam-demo", "Sam Rivera"),
    Person("yuki-demo", "中村 ゆき"),
)
TEAMS = (
    Team("lingua-lab", "Lingua Lab", admin="ada-demo", writers=("ola-demo",)),
    Team("shuzi", "數字實驗室", admin="wei-demo"),
)
DATASET = "lingua-lab/interface-sentences"

MODELS = (
    Model("lingua-lab/all-MiniLM-L6-v2", "ada-demo", MINILM, benchmarks=("bitext", "retrieval-en")),
    Model("lingua-lab/langid-mini", "ada-demo", "langid-mini", "langid-mini.md", ("langid",)),
    Model("lingua-lab/langid-base", "ada-demo", "langid-base", "langid-base.md", ("langid",)),
    Model("lingua-lab/langid-first-try", "ada-demo", "langid-first-try", "langid-first-try.md", ("langid",)),
    Model("lingua-lab/wykrywacz-jezyka", "ola-demo", "wykrywacz-jezyka", "wykrywacz-jezyka.md", ("langid",)),
    Model("shuzi/digits-vit-tiny", "wei-demo", "digits-vit-tiny", "digits-vit-tiny.md", ("digits",)),
    Model("shuzi/digits-vit-small", "wei-demo", "digits-vit-small", "digits-vit-small.md", ("digits",)),
    Model("shuzi/digits-unfinished", "wei-demo", "digits-unfinished", "digits-unfinished.md", ("digits",)),
    Model("lingua-lab/langid-next", "ada-demo", "langid-base", "langid-next.md", ("langid",), is_private=True),
)

REVIEWS = (
    Review(
        "lingua-lab/all-MiniLM-L6-v2", "sam-demo", 5,
        "Six layers, loads in a second on a laptop, and finds the right paragraph of our handbook nearly every time."
        " For German and Polish queries the scores here say clearly that one should look elsewhere.",
        used_for="searching an internal handbook", hardware="laptop, 8 GB", language="en",
    ),
    Review("lingua-lab/all-MiniLM-L6-v2", "wei-demo", 4, "英文檢索很好用，速度快；中文就不行了，請看 bitext 的分數。",
           used_for="文件搜尋", hardware="2 核心 CPU", language="zh-Hant"),
    Review("lingua-lab/all-MiniLM-L6-v2", "yuki-demo", 4, downloaded=False),
    Review("lingua-lab/langid-mini", "sam-demo", 4, "Half a megabyte and good enough to sort support mail by language.",
           used_for="routing mail", hardware="1 CPU", language="en"),
    Review("lingua-lab/langid-mini", "wei-demo", 3, "短句子常把丹麥文認成瑞典文。", used_for="分類",
           language="zh-Hant"),
    Review("lingua-lab/langid-mini", "yuki-demo", 4, downloaded=False),
    Review("lingua-lab/wykrywacz-jezyka", "sam-demo", 4,
           "Polski rozpoznaje bez pudła, a karta modelu uczciwie mówi, czego nie umie.", language="pl"),
    Review("lingua-lab/langid-first-try", "sam-demo", 1,
           "Guesses wrong five times out of six. The score on this page had warned me.", language="en"),
    Review("shuzi/digits-vit-small", "ada-demo", 5, "Reads our scanned forms better than I do.",
           used_for="form digits", hardware="2 CPU", language="en"),
    Review("shuzi/digits-vit-tiny", "ola-demo", 3, "Mały i szybki, ale myli trójki z ósemkami.", language="pl"),
)  # fmt: skip
