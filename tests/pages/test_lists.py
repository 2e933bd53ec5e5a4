import pytest

from catalog.models import Repo
from tests.catalog import rows
from tests.pages.looking import links_of, text_of

pytestmark = pytest.mark.django_db


def test_a_row_tells_what_one_needs_to_judge_it(client):
    # given
    rows.repo(
        "ann/herbert", title="Analiza wydźwięku", task="text-classification", licence="mit", parameters=124_000_000,
        rating_count=3, rating_sum=13, downloads=1234,
    )  # fmt: skip

    # when
    seen = text_of(client.get("/models"))

    # then
    for words in ("ann/ herbert", "Analiza wydźwięku", "Text classification", "124M", "mit", "4.3 (3)", "1.2K"):
        assert words in seen, words


def test_fewer_than_three_ratings_show_no_mean(client):
    rows.repo("ann/herbert", rating_count=2, rating_sum=10)

    assert "– (2)" in text_of(client.get("/models"))


def test_polish_and_chinese_titles_carry_their_language(client):
    # given
    rows.repo("ann/pl", title="Analiza wydźwięku")
    rows.repo("ann/hant", title="情感分類模型")
    rows.repo("ann/hans", title="情感分类模型")

    # when
    page = client.get("/models").content.decode()

    # then
    assert '<p class="about" lang="pl">Analiza' in page
    assert '<p class="about" lang="zh-Hant">情感分類' in page
    assert '<p class="about" lang="zh-Hans">情感分类' in page


def test_filters_of_one_facet_are_alternatives_and_become_chips(client):
    # given
    rows.repo("ann/a", task="translation")
    rows.repo("ann/b", task="fill-mask")
    rows.repo("ann/c", task="text-generation")

    # when
    response = client.get("/models?task=translation&task=fill-mask")

    # then
    links = links_of(response)
    assert "/ann/a" in links
    assert "/ann/b" in links
    assert "/ann/c" not in links
    assert "/models?task=fill-mask" in links  # the chip of the other choice leads here
    assert "/models?task=translation" in links


def test_choices_are_there_without_scripts_and_without_counts(client):
    rows.repo("ann/a", library="sklearn")

    page = client.get("/models").content.decode()

    assert 'name="library" value="sklearn"' in page
    assert "<noscript>" in page


def test_counts_arrive_as_a_fragment(client):
    # given
    rows.repo("ann/a", task="translation", languages=["pl"])
    rows.repo("ann/b", task="translation")

    # when
    fragment = client.get("/models/counted?task=translation")

    # then
    assert "2 models" in text_of(fragment)
    assert "Translation 2" in text_of(fragment)
    assert "polski 1" in text_of(fragment)
    assert "<html" not in fragment.content.decode()


def test_without_a_cache_the_list_comes_with_what_is_chosen_and_without_counts(
    client, settings, django_assert_max_num_queries
):
    # given
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    rows.repo("ann/a", task="translation")

    # when
    with django_assert_max_num_queries(3):
        page = client.get("/models?task=translation")
    with django_assert_max_num_queries(1):
        fragment = client.get("/models/counted?task=translation")

    # then
    assert "/ann/a" in links_of(page)
    for choice in ('name="task" value="translation"', 'name="params" value="min:1B,max:8B"'):
        assert choice in page.content.decode()
    assert "Counts are not available now" in text_of(fragment)
    assert "Nothing is published yet" not in text_of(client.get("/"))


def test_a_partial_request_gets_the_results_alone_and_a_clean_address(client):
    rows.repo("ann/a", task="translation")

    response = client.get("/models?task=translation&q=&sort=updated", headers={"HX-Request-Type": "partial"})

    assert "<html" not in response.content.decode()
    assert response["HX-Push-Url"] == "/models?task=translation&sort=updated"


def test_the_hubs_own_parameters_lead_to_ours(client):
    response = client.get("/models?pipeline_tag=translation&search=bert")

    assert response.status_code == 302
    assert response["Location"] == "/models?task=translation&q=bert"


@pytest.mark.parametrize(("theirs", "ours"), [("trending", "downloads")])
def test_the_hubs_own_sorts_lead_to_what_is_shown(client, theirs, ours):
    assert client.get(f"/models?sort={theirs}")["Location"] == f"/models?sort={ours}"


def test_an_ignored_parameter_is_named(client):
    assert "does not know it: flavour" in text_of(client.get("/models?flavour=vanilla"))


def test_pages_lead_on_and_back(client):
    # given
    for number in range(31):
        rows.repo(f"ann/m{number}", downloads=number)

    # when
    first = client.get("/models")
    forward = next(link for link in links_of(first) if "cursor=" in link)
    second = client.get(f"/models{forward}")

    # then
    assert "/ann/m0" not in links_of(first)
    assert "/ann/m0" in links_of(second)
    back = next(link for link in links_of(second) if "cursor=" in link)
    assert "/ann/m30" in links_of(client.get(f"/models{back}"))


@pytest.mark.parametrize("query", ["cursor=nonsense", "sort=flavour", "params=big", "q=" + "x" * 300])
def test_what_cannot_be_understood_is_a_clear_400(client, query):
    response = client.get(f"/models?{query}")

    assert response.status_code == 400
    assert "That did not work" in text_of(response)


def test_private_repos_are_listed_for_their_owners_alone(client, signed_in):
    # given
    secret = rows.repo("ann/secret", visibility="private", task="translation")

    # then
    assert "/ann/secret" not in links_of(client.get("/models"))
    assert "/ann/secret" not in links_of(signed_in(rows.person("bo")).get("/models"))
    assert "/ann/secret" in links_of(signed_in(secret.namespace.user).get("/models"))
    assert "0 models" in text_of(client.get("/models/counted"))


def test_an_empty_list_says_why_and_what_next(client):
    assert "No models yet" in text_of(client.get("/models"))
    rows.repo("ann/a")
    assert "Nothing fits all of this" in text_of(client.get("/models?task=robotics"))


def test_datasets_have_a_list_of_their_own(client):
    rows.repo("ann/opinie", kind=Repo.Kind.DATASET)

    assert "/datasets/ann/opinie" in links_of(client.get("/datasets"))
    assert "/datasets/ann/opinie" not in links_of(client.get("/models"))


@pytest.mark.parametrize(("path", "most"), [("/models", 3), ("/", 4), ("/ann", 19)])  # a profile: activity, followers
def test_longer_lists_take_no_more_queries(client, django_assert_max_num_queries, path, most):
    # given
    for number in range(20):
        rows.repo(f"ann/m{number}", task="translation")
    client.get(path)  # fills the memory of known choices

    # then
    with django_assert_max_num_queries(most):
        client.get(path)


def test_signing_in_costs_a_bounded_number_of_queries(signed_in, django_assert_max_num_queries):
    # given
    for number in range(20):
        rows.repo(f"ann/m{number}")
    person = signed_in(rows.person("bo"))
    person.get("/models")

    # then
    with django_assert_max_num_queries(6):
        person.get("/models")
