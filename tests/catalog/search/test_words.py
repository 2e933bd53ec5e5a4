"""Words: what a text and a question must share to meet."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.queries.search_document import DocumentBuilder, question
from catalog.queries.search_words import LONGEST_TOKEN, document_tokens, fold, question_tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Łódź", "lodz"),
        ("ZAŻÓŁĆ GĘŚLĄ JAŹŃ", "zazolc gesla jazn"),
        ("情感分類", "情感分类"),
        ("Straße", "STRASSE"),
        ("ＢＥＲＴ", "bert"),
        ("smørrebrød", "smorrebrod"),
    ],
)
def test_spellings_of_one_word_fold_to_the_same(one, other):
    assert fold(one) == fold(other)


def test_marks_that_make_another_letter_stay():
    assert fold("が") != fold("か")


def test_a_run_of_chinese_becomes_overlapping_pairs():
    assert list(document_tokens("bert 情感分类")) == ["bert", "情感", "感分", "分类", "类"]


@pytest.mark.parametrize(
    ("word", "tokens"), [("llama-3.1-8b", ["llama", "3", "1", "8b"]), ("情感", ["情感"]), ("情", ["情"])]
)
def test_a_question_is_split_as_texts_are(word, tokens):
    assert question_tokens(word) == tokens


@given(st.text(max_size=300))
def test_tokens_hold_nothing_that_postgresql_could_take_for_syntax(text):
    for token in document_tokens(text):
        assert not set(token) & set(" '\\:*&|!()<>,\0")
        assert 0 < len(token) <= LONGEST_TOKEN


@given(st.text(max_size=100))
def test_folding_twice_changes_nothing_that_search_sees(text):
    once = list(document_tokens(text))

    assert list(document_tokens(" ".join(once))) != [] or once == []
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@given(st.text(max_size=256))
def test_no_question_can_break_out_of_its_quotes(text):
    asked = question(text)

    assert asked.count("'") % 2 == 0
    assert "\\" not in asked


def test_a_document_keeps_within_the_limits_of_postgresql():
    builder = DocumentBuilder()

    builder.add_text("字" * 300_000, "D")
    builder.add_text(" ".join(f"{'x' * 80}{number}" for number in range(50_000)), "D")

    assert len(builder.build().encode()) < 1_000_000
