import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evaluation.actions import benchmarks
from evaluation.benchmarks.definitions import load_definition
from evaluation.models import Benchmark
from tests.evaluation import teams
from tests.factories import OrganisationFactory, UserFactory
from tests.pages.looking import links_of, text_of

pytestmark = pytest.mark.django_db

FIFTY = "text,label\n" + "".join(f"sample {number},{'spam' if number % 3 else 'ham'}\n" for number in range(50))


def test_data_then_definition_from_the_browser(signed_in):
    # given
    boss = UserFactory(name="boss")
    OrganisationFactory(name="acme", admin=boss)
    person = signed_in(boss)
    file = SimpleUploadedFile("spam.csv", FIFTY.encode())
    sent = {
        "namespace": "acme", "name": "spam", "task": "text-classification", "text_column": "text",
        "label_column": "label", "file": file,
    }  # fmt: skip

    # when
    kept = person.post("/benchmarks/new/data", sent)
    text = kept.context["definition_form"].initial["definition"]
    placed = person.post("/benchmarks/new", {"namespace": "acme", "definition": text})

    # then
    assert "50 rows are in acme/spam" in text_of(kept)
    assert placed["Location"] == "/benchmarks/acme--spam"
    seen = text_of(person.get("/benchmarks/acme--spam"))
    assert "acme alone; its runs and scores, too" in seen
    assert "here" in seen


def test_faults_stand_beside_the_file(signed_in):
    # given
    person = signed_in(UserFactory(name="ann"))
    file = SimpleUploadedFile("x.csv", b"text,label\n,a\nx,b\n")
    sent = {"namespace": "ann", "name": "x", "task": "text-classification", "text_column": "text",
            "label_column": "label", "file": file}  # fmt: skip

    # when
    answer = person.post("/benchmarks/new/data", sent)

    # then
    assert answer.status_code == 422
    assert "Line 2: the text in 'text' is empty, or no text." in text_of(answer)


def test_a_refused_definition_stays_in_the_form(signed_in):
    # given
    person = signed_in(UserFactory(name="ann"))
    text = teams.definition_text("a/b", "main")

    # when
    answer = person.post("/benchmarks/new", {"namespace": "ann", "definition": text})

    # then
    assert answer.status_code == 422
    assert "dataset.revision: give a commit of 40 hex digits" in text_of(answer)
    assert "revision: main" in answer.content.decode()
    assert not Benchmark.objects.exists()


def test_a_task_of_lm_eval_becomes_a_draft(signed_in):
    # given
    person = signed_in(UserFactory(name="ann"))
    task = "task: mine\ndataset_path: a/b\noutput_type: generate_until\ndoc_to_text: '{{q}}'\ndoc_to_target: '{{a}}'\n"

    # when
    answer = person.post("/benchmarks/new/draft", {"format": "lm_eval", "text": task})

    # then
    assert "id: mine" in answer.context["definition_form"].initial["definition"]
    assert "The task pins no revision" in text_of(answer)


def test_a_benchmark_says_what_it_waits_for(client):
    # given
    benchmarks.publish(load_definition(teams.definition_text("nyu-mll/glue", "f" * 40, id="glue")))
    benchmarks.publish(load_definition(teams.definition_text("unc/coco", "unknown", id="coco")))

    # when
    waiting, unpinned, listed, boards = (
        client.get(path) for path in ("/benchmarks/glue", "/benchmarks/coco", "/benchmarks", "/leaderboards")
    )

    # then
    assert f"Waiting for data: mirror nyu-mll/glue@{'f' * 40}" in text_of(waiting)
    assert "manage.py pin_dataset coco" in text_of(unpinned)
    assert {"/benchmarks/glue", "/benchmarks/coco"} <= set(links_of(listed))
    assert "/leaderboards/glue" not in links_of(boards)


def test_a_model_is_told_which_benchmarks_wait(client):
    # given
    benchmarks.publish(load_definition(teams.definition_text("nyu-mll/glue", "f" * 40, id="glue")))
    model = teams.model()

    # when
    answer = client.get(f"{model.web_path}/evaluate")

    # then
    assert "/benchmarks/glue" in links_of(answer)
    assert 'value="glue"' not in answer.content.decode()
