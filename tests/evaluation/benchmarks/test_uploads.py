"""Small datasets of teams, looked at row by row."""

import io
import zipfile

import pytest

from evaluation.benchmarks.definitions import load_definition
from evaluation.benchmarks.hub.checking import Checked, check_table, table_file
from evaluation.benchmarks.hub.pictures import read_zip
from evaluation.benchmarks.hub.reading import read_dataset
from evaluation.benchmarks.hub.starters import starter
from evaluation.benchmarks.hub.tables import BadTable
from tests.evaluation.benchmarks.data import REVISION, dataset, lines, png


def checked(content: bytes, path: str = "test.jsonl", text: str = "text", label: str = "label") -> Checked:
    return check_table(table_file(path, content), text=text, label=label)


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_a_clean_table_gives_its_labels():
    found = checked(b"text,label\nyes,b\nno,a\nmaybe,b\n", "test.csv")

    assert found == Checked(rows=3, columns=("text", "label"), labels=("a", "b"), faults=())


def test_whole_numbers_of_json_keep_their_numbers_in_a_starter():
    content = lines(*({"text": f"sample {number}", "label": number} for number in range(12)))
    found = checked(content)

    text = starter(
        task="text-classification", repo="acme/data", revision=REVISION, checked=found, text="text", label="label"
    )

    assert found.faults == ()
    items = read_dataset(load_definition(text), dataset({"test.jsonl": content}))
    assert [row["label"] for row in items.gold] == [str(number) for number in range(12)]


@pytest.mark.parametrize("numbers", [(1, 2, 3), (0, 2), (-1, 0, 1), (0, 10**30), ("no", 1)])
def test_whole_numbers_of_json_that_number_no_labels_are_a_fault(numbers):
    rows = [{"text": "x", "label": number} for number in numbers]

    assert checked(lines(*rows)).faults == (
        "The labels in 'label' are numbers, but not 0, 1, 2, … without gaps: write them as text.",
    )


def test_every_fault_names_its_line():
    rows = [
        {"text": "fine", "label": "a"},
        {"text": "  ", "label": "a"},
        {"text": "x", "label": ""},
        {"text": "x"},
        {"text": "x", "label": "a", "more": 1},
        {"text": "x", "label": 0.5},
    ]

    assert checked(lines(*rows)).faults == (
        "Line 2: the text in 'text' is empty, or no text.",
        "Line 3: the label in 'label' is empty, or no text or whole number.",
        "Line 4: it has other columns than the first row: it lacks label.",
        "Line 5: it has other columns than the first row: it adds more.",
        "Line 6: the label in 'label' is empty, or no text or whole number.",
    )


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("test.jsonl", b'{"text": "x"}\nnot json\n', "Line 2 of test.jsonl is not JSON"),
        ("test.csv", b"text,label\nx\n", "Line 2 of test.csv has 1 cells"),
        ("test.xlsx", b"PK", "none of the formats"),
        ("test.parquet", b"PAR1", "none of the formats"),
    ],
)
def test_a_table_that_cannot_be_read_on_is_refused(path, content, said):
    with pytest.raises(BadTable) as refused:
        check_table(table_file(path, content))

    assert said in str(refused.value)


def test_a_table_without_rows_is_a_fault():
    assert checked(b"text,label\n", "test.csv").faults == ("There is no row in it.",)


def test_folders_of_a_zip_are_labels():
    found = read_zip(zipped({"set/cat/1.png": png(), "set/dog/2.png": png("blue"), "__MACOSX/cat/1.png": b"x"}))

    assert found.checked.labels == ("cat", "dog")
    assert found.checked.faults == ()
    assert found.files["00001.png"] == png()
    assert found.files["metadata.jsonl"] == lines(
        {"file_name": "00001.png", "label": "cat"}, {"file_name": "00002.png", "label": "dog"}
    )


def test_a_table_beside_the_images_may_name_the_labels():
    table = b"file_name,label\na.png,cat\nb.png,dog\n"

    found = read_zip(zipped({"metadata.csv": table, "a.png": png(), "b.png": png()}))

    assert found.checked.labels == ("cat", "dog")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"cat/1.png": b"no image"}, "cat/1.png: it is damaged, or no image."),
        ({"cat/1.png": png()[:44]}, "cat/1.png: it is damaged, or no image."),
        ({"1.png": png()}, "1.png: it has no label"),
        ({"metadata.csv": b"file_name,label\na.png,cat\n"}, "a.png: the table names it, but it is not in the zip."),
        ({"readme.txt": b"hello"}, "There is no image in it"),
    ],
)
def test_an_image_that_cannot_be_used_is_named(files, said):
    assert said in read_zip(zipped(files)).checked.faults[0]


def test_a_zip_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr("evaluation.benchmarks.hub.pictures.LARGEST_UNPACKED", 1000)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cat/1.png", b"\0" * 1_000_000)

    with pytest.raises(BadTable, match="unpacks to more than"):
        read_zip(bomb.getvalue())


def test_no_zip_is_said_to_be_none():
    with pytest.raises(BadTable, match="zip file cannot be read"):
        read_zip(b"hello")


def damaged(method: int, name: str = "cat/1.png") -> bytearray:
    """A zip with one file, and where its packed bytes begin are others."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, bytes(range(256)) * 40)
    content = bytearray(stream.getvalue())
    start = 30 + len(name.encode()) + 9  # behind the header of the file and that of LZMA
    content[start : start + 20] = b"\xff" * 20
    return content


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_damaged_zip_is_said_to_be_one(method):
    with pytest.raises(BadTable, match="zip file cannot be read"):
        read_zip(bytes(damaged(method)))


def test_a_zip_whose_names_are_no_text_is_refused():
    content = zipped({"ü/1.png": png()}).replace("ü".encode(), b"\xff\xff")

    with pytest.raises(BadTable, match="zip file cannot be read"):
        read_zip(content)


@pytest.mark.parametrize(("task", "request_kind"), [
    ("text-classification", "classify"), ("image-classification", "image-classify"),
])  # fmt: skip
def test_a_starter_is_a_definition_that_loads(task, request_kind):
    found = Checked(rows=50, columns=(), labels=("no", "yes: really"), faults=())

    text = starter(task=task, repo="acme/My_Data.v2", revision=REVISION, checked=found, text="q", label="a")

    made = load_definition(text)
    assert (made.id, made.request, made.label_names) == ("my-data-v2", request_kind, ("no", "yes: really"))
    assert made.dataset.expect_rows == 50
