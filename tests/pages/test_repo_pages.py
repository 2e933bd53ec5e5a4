import pytest

from catalog.actions.facts import metadata
from catalog.models import Mirror, RepoFacts
from tests.factories import OrganisationFactory, RepoFactory, UserFactory, commit_content
from tests.pages.looking import links_of, text_of

pytestmark = pytest.mark.django_db

CARD = b"""---
pipeline_tag: text-classification
library_name: transformers
license: apache-2.0
language: [pl]
base_model: allegro/herbert
---
# HerBERT

Model do analizy wyd\xc5\xbawi\xc4\x99ku. <script>alert(1)</script>
"""


@pytest.fixture
def repo():
    made = RepoFactory(actor=UserFactory(name="ann"), name="herbert")
    files = {
        "README.md": CARD,
        "README.zh-Hant.md": "# 模型".encode(),
        "config.json": b'{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}',
        "model.safetensors": b"weights",
        "data/a b#c.txt": "zażółć\n".encode(),
        "old/weights.pkl": b"\x80\x02",
    }
    commit_content(made, files, lfs=("model.safetensors",))
    metadata.index_repo(made)
    made.refresh_from_db()
    return made


def head_of(repo):
    return RepoFacts.objects.get(repo=repo).commit.oid


def test_the_model_page_answers_first(client, repo):
    seen = text_of(client.get("/ann/herbert"))

    for words in ("Text classification", "polski", "apache-2.0", "not measured", "BertForSequenceClassification"):
        assert words in seen, words
    assert "Model do analizy wydźwięku." in seen
    assert "alert(1)" not in seen


def test_use_this_model_pins_this_hub_and_this_revision(client, repo):
    page = client.get("/ann/herbert").content.decode()

    assert f"hf download ann/herbert \\\n  --revision {head_of(repo)}" in page
    assert f"http://testserver/ann/herbert/resolve/{head_of(repo)}/model.safetensors" in page
    assert "pipeline(" in page


def test_public_snippets_ask_for_no_token_and_private_ones_do(client, signed_in, repo):
    # given
    assert "HF_TOKEN" not in client.get("/ann/herbert").content.decode()

    # when
    repo.visibility = "private"
    repo.save()

    # then
    assert "HF_TOKEN" in signed_in(repo.created_by).get("/ann/herbert").content.decode()


def test_cards_in_other_languages_are_offered_by_their_own_name(client, repo):
    page = client.get("/ann/herbert").content.decode()

    assert 'lang="zh-Hant" hreflang="zh-Hant">中文 (繁體)</a>' in page


def test_private_and_missing_are_the_same_404(client, signed_in, repo):
    # given
    repo.visibility = "private"
    repo.save()
    stranger = signed_in(UserFactory())

    for path in ("", "/tree/main", "/blob/main/README.md", "/commits/main", "/reviews", "/scores", "/evaluate"):
        # when
        hidden = client.get(f"/ann/herbert{path}")
        absent = client.get(f"/ann/absent0{path}")

        # then
        assert (hidden.status_code, absent.status_code) == (404, 404), path
        assert text_of(hidden) == text_of(absent)
        assert "or it needs signing in" in text_of(hidden)
        assert stranger.get(f"/ann/herbert{path}").status_code == 404


def test_another_spelling_leads_to_the_name_as_its_owner_wrote_it(client, repo):
    response = client.get("/Ann/HERBERT")

    assert (response.status_code, response["Location"]) == (302, "/ann/herbert")


def test_an_empty_repo_shows_its_owner_the_ways_in_and_others_nothing(client, signed_in):
    # given
    empty = RepoFactory(actor=UserFactory(name="bo"), name="new")

    # then
    seen = text_of(signed_in(empty.created_by).get("/bo/new"))
    assert "hf upload bo/new" in seen
    assert "In the browser" in seen
    assert "Still empty" in text_of(client.get("/bo/new"))


def test_a_broken_card_is_explained_to_the_team_and_hides_nothing(client, signed_in):
    # given
    repo = RepoFactory(actor=UserFactory(name="bo"), name="broken")
    commit_content(repo, {"README.md": b"---\nlicense: [mit\n---\n# Still here\n", "notes.txt": b"x" * 5000})
    metadata.index_repo(repo)

    # when
    seen = text_of(signed_in(repo.created_by).get("/bo/broken"))

    # then
    assert "The card's metadata has problems" in seen
    assert "Still here" in seen
    assert "could not be read" in text_of(client.get("/bo/broken"))


def test_folders_list_files_with_encoded_links(client, repo):
    response = client.get("/ann/herbert/tree/main/data")

    assert "/ann/herbert/blob/main/data/a%20b%23c.txt" in links_of(response)
    assert "a b#c.txt" in text_of(response)


def test_a_file_is_shown_under_its_encoded_name(client, repo):
    response = client.get("/ann/herbert/blob/main/data/a%20b%23c.txt")

    assert response.status_code == 200
    assert "zażółć" in text_of(response)


def test_a_pickle_carries_a_warning(client, repo):
    assert "loading it may run code" in text_of(client.get("/ann/herbert/blob/main/old/weights.pkl"))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("tree/nope", "Invalid rev id"),
        ("blob/main/nope.txt", "Entry not found"),
        ("tree/main/nope", "Entry not found"),
        ("commit/0000000000000000000000000000000000000000", "Invalid rev id"),
    ],
)
def test_what_is_missing_inside_a_readable_repo_is_named(client, repo, path, words):
    response = client.get(f"/ann/herbert/{path}")

    assert response.status_code == 404
    assert words in text_of(response)


def test_a_commit_shows_what_it_changed(client, repo):
    # given
    commit_content(repo, {"config.json": b'{\n "model_type": "roberta"\n}', "new.txt": b"hello\n"})

    # when
    response = client.get(f"/ann/herbert/commit/{head_of(repo)}")

    # then
    seen = text_of(response)
    assert "changed config.json" in seen
    assert "added new.txt" in seen
    assert "+hello" in seen
    assert "model.safetensors" not in seen


def test_history_leads_to_every_commit(client, repo):
    links = links_of(client.get("/ann/herbert/commits/main"))

    assert sum(link.startswith("/ann/herbert/commit/") for link in links) == 2


def test_a_mirror_says_so_and_offers_no_upload(signed_in, repo):
    # given
    Mirror.objects.create(repo=repo, source="huggingface", endpoint="https://hub.example", upstream_name="x/y")
    owner = signed_in(repo.created_by)

    # then
    seen = text_of(owner.get("/ann/herbert"))
    assert "A mirror of x/y at main" in seen
    assert "Add files" not in seen
    refused = owner.get("/ann/herbert/upload/main")
    assert refused.status_code == 403
    assert "duplicate it to edit" in text_of(refused)


def test_settings_are_for_those_who_may_write(client, signed_in, repo):
    assert client.get("/ann/herbert/settings").status_code == 302
    assert signed_in(UserFactory()).get("/ann/herbert/settings").status_code == 403
    assert signed_in(repo.created_by).get("/ann/herbert/settings").status_code == 200


def test_the_owner_makes_it_private_and_deletes_it(client, signed_in, repo):
    # given
    owner = signed_in(repo.created_by)

    # when
    owner.post("/ann/herbert/settings", {"visibility": "private"})

    # then
    assert client.get("/ann/herbert").status_code == 404
    owner.post("/ann/herbert/settings/delete", {"typed_name": "herbert"})
    assert owner.get("/ann/herbert").status_code == 200  # the whole name has to be typed
    owner.post("/ann/herbert/settings/delete", {"typed_name": "ann/herbert"})
    assert owner.get("/ann/herbert").status_code == 404


def test_profiles_show_people_and_teams(client):
    # given
    ann = UserFactory(name="ann", full_name="Anna Kowalska")
    OrganisationFactory(name="zespol", full_name="Zespół NLP", admin=ann)

    # then
    assert "Zespół NLP" in text_of(client.get("/ann"))
    assert "Anna Kowalska admin" in text_of(client.get("/zespol"))
    assert client.get("/nobody").status_code == 404


def test_the_model_page_takes_a_bounded_number_of_queries(client, repo, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        client.get("/ann/herbert")
    with django_assert_max_num_queries(12):
        client.get("/ann/herbert/tree/main")
