"""Finding repos: words, filters, sorts, pages, and who may see what."""

from __future__ import annotations

import string
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.actions.people import accounts
from catalog.errors import BadInput, InvalidCursor
from catalog.queries import word_search
from catalog.queries.facets import count_repos, facets
from catalog.queries.search import find_repos
from catalog.queries.search_request import SORTS, SearchRequest
from tests.catalog.rows import person, repo

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forgotten_counts():
    cache.clear()


def ids(user=None, **asked: object) -> list[str]:
    return [facts.repo.full_name for facts in find_repos(SearchRequest(**asked), user=user).items]


@pytest.mark.parametrize(
    "text",
    [
        "herbert",
        "HerBERT sent",
        "bert-sentyment",  # a piece of the id that crosses its parts
        "zespol-nlp/herbert",
        "wydzwiek",  # Analiza wydźwięku, typed without accents
        "wydźwięku polskich",
        "klej",
        "text-classification",
        "zaufania",  # in the card
    ],
)
def test_a_model_is_found_by_id_title_tag_task_and_card(text):
    repo(
        "zespol-nlp/herbert-sentyment",
        title="Analiza wydźwięku tekstów polskich",
        task="text-classification",
        tags=["klej", "pl"],
        card_html="<h1>Model</h1><p>Godny <b>zaufania</b>.</p>",
    )
    repo("acme/resnet")

    assert ids(text=text) == ["zespol-nlp/herbert-sentyment"]


@pytest.mark.parametrize("text", ["情感", "情感分類", "情感分类", "感分", "分", "中文情感 tiny"])
def test_chinese_is_found_by_any_piece_in_either_script(text):
    repo("acme/tiny-sst2", title="中文情感分類（小型）")
    repo("acme/other", title="圖像辨識")

    assert ids(text=text) == ["acme/tiny-sst2"]


def test_pieces_of_chinese_in_another_order_do_not_match():
    repo("acme/tiny", title="情感分類")

    assert ids(text="分類情感") == []


@pytest.mark.parametrize(
    ("text", "is_found"), [("llama-3.1-8b", True), ("llama 8b", True), ("llama-8b", False), ("lama-3", True)]
)
def test_versions_and_sizes_are_words(text, is_found):
    repo("meta/Llama-3.1-8B-Instruct")

    assert bool(ids(text=text)) is is_found


def test_list_models_searches_ids_only():
    repo("acme/alpha", title="beta", card_html="beta")
    repo("acme/betamax")
    repo("acme/alphabet")

    assert ids(text="beta", in_ids_only=True) == ["acme/betamax"]
    assert sorted(ids(text="bet", in_ids_only=True)) == ["acme/alphabet", "acme/betamax"]


ID_PART = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(ID_PART, min_size=1, max_size=4), start=st.integers(0, 20), length=st.integers(1, 12))
def test_every_substring_of_an_id_finds_it(parts, start, length):
    name = "-".join(parts) + "z"
    full_name = repo(f"owner/{name}{timezone.now():%H%M%S%f}").full_name
    piece = full_name[start : start + length].strip("-/")

    assert full_name in ids(text=piece or "owner", in_ids_only=True, limit=100, sort="created")


def test_an_exact_id_comes_first_in_any_case_and_only_once():
    repo("acme/bert", downloads=1)
    for number in range(3):
        repo(f"acme/bert-{number}", downloads=1000, title="acme/bert acme bert")

    first = find_repos(SearchRequest(text="ACME/Bert", limit=2), user=None)
    second = find_repos(SearchRequest(text="ACME/Bert", limit=2, cursor=first.next_cursor or ""), user=None)

    found = [facts.repo.full_name for facts in [*first.items, *second.items]]
    assert found[0] == "acme/bert"
    assert sorted(found) == ["acme/bert", "acme/bert-0", "acme/bert-1", "acme/bert-2"]


def test_a_match_in_the_id_beats_one_in_the_card():
    repo("acme/plain", card_html="<p>whisper</p>")
    repo("acme/whisper")

    assert ids(text="whisper") == ["acme/whisper", "acme/plain"]


def test_a_text_without_a_word_finds_nothing():
    repo("acme/bert")

    assert ids(text="!?") == []


def test_values_of_one_filter_are_alternatives_and_filters_add_up():
    repo("a/one", task="text-generation", library="transformers", licence="mit", languages=["pl", "en"])
    repo("a/two", task="image-classification", library="transformers", licence="mit", languages=["zh"])
    repo("a/three", task="text-generation", library="sklearn", licence="apache-2.0")

    assert ids(task=("text-generation", "image-classification"), library=("transformers",), sort="created") == [
        "a/two",
        "a/one",
    ]
    assert ids(task=("text-generation",), library=("sklearn",)) == ["a/three"]
    assert ids(languages=("pl", "zh"), sort="created") == ["a/two", "a/one"]
    assert ids(licence=("!mit",)) == ["a/three"]
    assert ids(languages=("!pl",), sort="created") == ["a/three", "a/two"]


def test_tags_must_all_be_there():
    repo("a/one", tags=["pl", "license:mit"])
    repo("a/two", tags=["pl"])

    assert ids(tags=("pl", "license:mit")) == ["a/one"]


def test_numbers_bound_parameters_and_ratings():
    repo("a/small", parameters=10_000_000, rating_count=3, rating_sum=15)
    repo("a/large", parameters=8_000_000_000, rating_count=2, rating_sum=10)
    repo("a/unknown")

    assert ids(parameters_max=10**9) == ["a/small"]
    assert ids(parameters_min=10**9) == ["a/large"]
    assert ids(rating_min=4.0) == ["a/small"]
    assert ids(gated=True) == []


def test_private_repos_show_only_to_those_who_may_read_them():
    owner, stranger = person("owner"), person()
    admin = person(is_admin=True)
    team = accounts.create_organisation(name="crew", admin=owner)
    member = person()
    accounts.add_member(organisation=team, user=member, role="read", actor=None)
    repo("crew/secret", visibility="private")

    assert ids(text="crew/secret") == []
    assert ids(stranger, text="secret") == []
    assert ids(member, text="secret") == ["crew/secret"]
    assert ids(admin, author="CREW") == ["crew/secret"]
    assert count_repos(SearchRequest(), user=stranger).number == 0
    assert count_repos(SearchRequest(), user=member).number == 1


def test_deleted_repos_and_other_kinds_are_left_out():
    gone = repo("a/gone")
    gone.deleted_at = timezone.now()
    gone.save()
    repo("a/data", kind="dataset")

    assert ids() == []
    assert ids(kind="dataset") == ["a/data"]


@pytest.mark.parametrize("tested", [500, 2])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("text", ["", "common"])
def test_pages_hold_every_repo_once_in_the_order_of_the_sort_and_lead_back(sort, text, tested, monkeypatch):
    monkeypatch.setattr(word_search, "ROWS_TESTED", tested)
    monkeypatch.setattr(word_search, "ENOUGH_TO_JUDGE", 2)
    monkeypatch.setattr(word_search, "MOST_JUDGED", max(tested, 6))
    now = timezone.now()
    for number in range(11):
        same = number // 3  # ties, which the id breaks
        repo(
            f"a/common-{number}",
            downloads=same,
            rating_sort=same / 7,
            total_bytes=same,
            updated_at=now - timedelta(days=same),
        )
    everything = ids(text=text, sort=sort, limit=100)

    pages, cursor = [], ""
    while True:
        page = find_repos(SearchRequest(text=text, sort=sort, limit=4, cursor=cursor), user=None)
        pages.append(page)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    back = pages[-1]
    way_back = [back]
    while back.previous_cursor is not None:
        back = find_repos(SearchRequest(text=text, sort=sort, limit=4, cursor=back.previous_cursor), user=None)
        way_back.insert(0, back)

    assert len(everything) == 11
    assert [facts.repo.full_name for page in pages for facts in page.items] == everything
    assert [facts.repo.full_name for page in way_back for facts in page.items] == everything


def test_a_cursor_serves_no_other_search():
    for _ in range(3):
        repo(task="x", library="y")
    cursor = find_repos(SearchRequest(limit=1), user=None).next_cursor or ""

    with pytest.raises(InvalidCursor):
        ids(task=("x",), cursor=cursor)
    with pytest.raises(InvalidCursor):
        ids(cursor=cursor[:-2] + "zz")
    assert len(ids(limit=2, cursor=cursor)) == 2


@pytest.mark.parametrize(
    "asked",
    [{"text": "x" * 257}, {"sort": "name"}, {"limit": 0}, {"limit": 101}, {"author": "a\0"}, {"tags": ("x",) * 21}],
)
def test_what_is_out_of_bounds_is_refused(asked):
    with pytest.raises(BadInput):
        SearchRequest(**asked)


@pytest.mark.parametrize(
    ("asked", "most"), [({}, 2), ({"text": "model"}, 7), ({"text": "model", "sort": "size"}, 3), ({"text": "a/b"}, 8)]
)
def test_the_number_of_queries_does_not_grow_with_the_list(asked, most, django_assert_max_num_queries):
    reader = person()
    for _ in range(30):
        repo(title="model a b")

    with django_assert_max_num_queries(most):
        items = find_repos(SearchRequest(**asked), user=reader).items
        shown = [(facts.repo.full_name, facts.repo.is_mirror, facts.commit, facts.downloads) for facts in items]

    assert len(shown) == 30


def test_a_rare_name_is_found_behind_many_popular_mentions(monkeypatch):
    monkeypatch.setattr(word_search, "ROWS_TESTED", 3)
    monkeypatch.setattr(word_search, "ENOUGH_TO_JUDGE", 2)
    for number in range(6):
        repo(downloads=1000 - number, card_html="<p>better than whisper</p>")
    repo("acme/whisper", downloads=1)

    assert ids(text="whisper")[0] == "acme/whisper"
    assert len(ids(text="better")) == 6
    assert len(ids(text="better", sort="downloads")) == 6


def test_facet_counts_ignore_their_own_choice_and_keep_what_is_chosen():
    repo(task="text-generation", library="transformers", languages=["pl", "en"], parameters=5_000_000)
    repo(task="text-generation", library="sklearn", languages=["en"], parameters=2_000_000_000)
    repo(task="image-classification", library="sklearn")

    found = facets(
        SearchRequest(task=("text-generation",), library=("gone",)),
        user=None,
        known={"format": {"gguf": 7}, "task": {"image-classification": 1}},
    )

    assert {value.value: value.count for value in found["library"]} == {"transformers": 1, "sklearn": 1, "gone": 0}
    assert {value.value: value.count for value in found["task"]} == {"text-generation": 0, "image-classification": 0}
    assert [value.value for value in found["task"] if value.is_chosen] == ["text-generation"]
    assert [(value.value, value.count) for value in found["format"]] == [("gguf", 0)]
    unfiltered = facets(SearchRequest(), user=None, known={})
    assert [(value.value, value.count) for value in unfiltered["language"]] == [("en", 2), ("pl", 1)]
    assert {value.value: value.count for value in unfiltered["size"]} == {"max:10M": 1, "min:1B,max:8B": 1}


def test_facet_counts_of_a_reader_are_not_shown_to_others():
    owner = person("owner")
    repo("owner/secret", visibility="private", task="secret-task")

    assert [value.value for value in facets(SearchRequest(), user=owner, known={})["task"]] == ["secret-task"]
    assert facets(SearchRequest(), user=None, known={})["task"] == []


def test_a_moved_branch_is_indexed_by_the_next_job_only():
    from catalog.actions.facts.search_index import refresh_document
    from catalog.models import Commit, Line

    made = repo("a/moving")
    line = Line.objects.create(repo=made)
    commit = Commit.objects.create(
        repo=made, oid="1" * 40, tree_oid="2" * 40, line=line, seq=1, author_name="a", title="t"
    )
    stale = made.facts
    type(stale).objects.filter(pk=stale.pk).update(commit=commit, indexed_at=None)
    stale.title = "outdated"

    refresh_document(stale)

    assert ids(text="outdated") == []
    assert type(stale).objects.get(pk=stale.pk).indexed_at is None
