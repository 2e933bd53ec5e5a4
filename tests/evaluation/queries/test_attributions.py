"""From what a node says an answer rests on to record, pages and API; and who may see it."""

import io
import json

import pytest
from PIL import Image

from evaluation.benchmarks.definitions import builtin_definitions
from evaluation.metrics.attributions import FILE
from evaluation.node_api import claiming
from evaluation.queries.attributions import attributions_of
from tests.evaluation import arrangement, attributions
from tests.factories import RepoFactory, UserFactory, commit_content, token_of
from tests.pages.looking import text_of

pytestmark = pytest.mark.django_db


def test_the_same_items_are_asked_of_every_model_under_the_names_of_its_run():
    first, second = attributions.claimed(), attributions.claimed()

    orders = [claiming.described(run, run.node)["spec"]["interpret"] for run in (first, second)]

    assert [len(order["items"]) for order in orders] == [16, 16]
    assert not set(orders[0]["items"]) & set(orders[1]["items"])
    assert [order["items"] for order in orders] == [attributions.names_of(run) for run in (first, second)]
    assert orders[0]["method"] == "integrated-gradients"


def test_who_does_not_ask_is_not_told():
    run = arrangement.claimed()

    assert claiming.described(run, run.node)["spec"]["interpret"] is None


def test_the_record_says_in_sums_what_the_page_says_item_by_item(client, raw_client):
    run = attributions.scored()

    page = client.get(f"/runs/{run.pk}/attributions")
    found = raw_client.get(f"/api/v1/runs/{run.pk}/attributions").json()
    told = json.loads(run.record.body)["result"]["diagnostics"]["attributions"]

    assert (told["items"], told["explained"], told["untrustworthy"], told["reason"]) == (16, 16, 1, "")
    assert raw_client.get(f"/api/v1/runs/{run.pk}/diagnostics").json()["attributions"] == told
    assert [one["untrustworthy"] for one in found["results"]] == [at == 1 for at in range(16)]
    assert found["results"][1]["error"] == pytest.approx(0.1)
    assert found["results"][0]["cells"]["values"] == [2.5, 1.0, 0.0, -0.5]
    words = text_of(page)
    assert "A diagnostic, not a score" in words
    assert words.count("not to be trusted, off by 10.0 %") == 1
    assert "row 1, column 1 +2.500" in words
    assert "row 2, column 2 −0.500" in words
    assert f"/runs/{run.pk}/attributions" in client.get(f"/runs/{run.pk}").content.decode()


def test_the_picture_is_drawn_from_the_numbers(client):
    run = attributions.scored()

    answer = client.get(f"/runs/{run.pk}/attributions/3.png")

    image = Image.open(io.BytesIO(answer.content))
    assert (answer["Content-Type"], image.size) == ("image/png", (520, 256))
    assert "private" in answer["Cache-Control"]
    corner = [image.convert("RGB").getpixel((264 + 10, 10)), image.convert("RGB").getpixel((264 + 10, 200))]
    assert corner[0][2] > corner[0][0]  # blue: what speaks most for the answer
    assert corner[1][0] == corner[1][1] == corner[1][2]  # a cell that counts for nothing is as grey as the image
    assert client.get(f"/runs/{run.pk}/attributions/17.png").status_code == 404


def test_parts_of_a_text_are_shown_escaped_and_by_more_than_colour(client):
    run = attributions.claimed(attributions.text_model(), slug="langid-attributions")
    names = attributions.names_of(run)
    part = {"label": "de", "baseline": "pad", "spans": [[0, 0, 1], [0, 1, 2]], "values": [2.0, -0.2]}
    items = [attributions.explained(key, **part, output=0.8) for key in names]
    run = attributions.scored(run, content=attributions.file_of(*items))

    page = client.get(f"/runs/{run.pk}/attributions").content.decode()

    shown = attributions_of(run)[0]
    assert f'<mark class="for s3">{shown.explained.parts[0].text}</mark>' in page
    assert "<bdi>“" in page
    assert "speaks against it" in page
    assert [answer.truth for answer in attributions_of(run)].count("") == 0


def test_what_a_stranger_writes_into_a_reason_is_no_markup(client):
    run = attributions.claimed()
    said = "<script>alert(1)</script>"
    content = attributions.file_of(*({"id": key, "reason": said} for key in attributions.names_of(run)))
    run = attributions.scored(run, content=content)

    page = client.get(f"/runs/{run.pk}/attributions").content.decode()

    assert said not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ended before it had taken any answer apart"),
        (b"{}", "none of them is shown"),
        (attributions.file_of(attributions.explained("another")), "none of them is shown"),
    ],
)
def test_a_fault_in_them_costs_no_score(client, raw_client, content, said):
    run = attributions.scored(content=content)

    assert run.scores.get(is_primary=True, slice="").value == 1.0
    assert said in json.loads(run.record.body)["result"]["diagnostics"]["attributions"]["reason"]
    assert said in text_of(client.get(f"/runs/{run.pk}"))
    assert said in text_of(client.get(f"/runs/{run.pk}/attributions"))
    answer = raw_client.get(f"/api/v1/runs/{run.pk}/attributions")
    assert answer.status_code == 422
    assert said in answer.json()["error"]


def test_what_nobody_asked_for_is_not_looked_at(client, raw_client):
    run = arrangement.running()
    arrangement.send(run, FILE, b"{}")
    run = arrangement.finished_but_for(run, ())

    assert "attributions" not in json.loads(run.record.body)["result"]["diagnostics"]
    assert raw_client.get(f"/api/v1/runs/{run.pk}/attributions").json()["results"] == []
    assert "asks for nothing of the kind" in text_of(client.get(f"/runs/{run.pk}/attributions"))


def test_a_run_that_is_not_done_shows_none(client, raw_client):
    run = attributions.claimed()

    assert raw_client.get(f"/api/v1/runs/{run.pk}/attributions").status_code == 422
    assert "has no scores" in text_of(client.get(f"/runs/{run.pk}/attributions"))


def test_items_of_private_data_are_for_its_readers(client, raw_client):
    """The run's page tells everybody the sums, and readers of the data the way to the items."""
    run = attributions.scored()
    owner = UserFactory()
    data = RepoFactory(actor=owner, kind="dataset", visibility="private")
    commit = commit_content(data, {"test.csv": b"text,label\n"})
    run.benchmark.definition["dataset"] |= {"repo": data.full_name, "revision": commit.oid}
    run.benchmark.save()
    paths = [f"/runs/{run.pk}/attributions", f"/runs/{run.pk}/attributions/1.png"]

    assert [client.get(path).status_code for path in paths] == [403, 403]
    assert raw_client.get(f"/api/v1/runs/{run.pk}/attributions").status_code == 403
    assert raw_client.get(f"/api/v1/runs/{run.pk}/outputs/{FILE}").status_code == 403
    page = client.get(f"/runs/{run.pk}").content.decode()
    assert paths[0] not in page
    assert "shown to readers of the data set" in page
    client.force_login(owner)
    assert paths[0] in client.get(f"/runs/{run.pk}").content.decode()
    assert "readers of the data" not in text_of(client.get(paths[0]))
    read = raw_client.get(
        f"/api/v1/runs/{run.pk}/outputs/{FILE}", headers={"Authorization": f"Bearer {token_of(owner)}"}
    )
    read.close()
    assert read.status_code == 200


def test_a_run_of_a_private_model_is_not_there_for_others(client, raw_client):
    run = attributions.scored(attributions.claimed(arrangement.model(visibility="private")))

    assert client.get(f"/runs/{run.pk}/attributions").status_code == 404
    assert client.get(f"/runs/{run.pk}/attributions/1.png").status_code == 404
    assert raw_client.get(f"/api/v1/runs/{run.pk}/attributions").status_code == 404


def test_two_drafts_of_the_program_ask_for_it_and_never_run_by_themselves():
    asking = {one.id: one.status for one in builtin_definitions() if one.interpret is not None}

    assert asking == {"digits-attributions": "draft", "langid-attributions": "draft"}
