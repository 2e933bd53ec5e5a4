"""Templates of definitions: what they can do, and what they can never do."""

import time

import pytest

from evaluation.benchmarks.templates import TemplateFailed, compiled
from evaluation.errors import BadDefinition

FIELDS = {"question": " Why? ", "options": ["red", "blue"], "answer": 1, "nested": {"text": "deep"}, "items": [1, 2]}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Q: {{ question|trim }}\nA:", "Q: Why?\nA:"),
        ("{{ question.strip() }}{{ nested.text }}{{ nested['text'] }}", "Why?deepdeep"),
        ("{% for option in options %}{{ loop.index }}. {{ option }}\n{% endfor %}", "1. red\n2. blue\n"),
        ("{{ options[answer] }} {{ 'ABCD'[answer] }} {{ options|length }}", "blue B 2"),
        ("{% if answer == 1 %}yes{% else %}no{% endif %}", "yes"),
        ("{% set word = options|join('-') %}{{ word.upper() }}", "RED-BLUE"),
        ("{{ items[0] + items[1] * 2 }}", "5"),
        ("ends with a line\n", "ends with a line\n"),
        ("{{ 'a#### 7'.split('####')[-1].strip() }}", "7"),
    ],
)
def test_fields_are_read_shaped_and_looped_over(template, text):
    assert compiled(template).text(FIELDS) == text


def test_a_template_of_one_expression_has_a_value():
    assert compiled("{{ options }}").value(FIELDS) == ["red", "blue"]
    assert compiled("{{ answer + 1 }}").value(FIELDS) == 2
    assert compiled("{{ [options[1], 'green'] }}").value(FIELDS) == ["blue", "green"]
    assert compiled("= {{ answer }}").value(FIELDS) == "= 1"


@pytest.mark.parametrize(
    "template",
    [
        "{{ question.__class__ }}",
        "{{ question['__class__'].__mro__ }}",
        "{{ ''.format.__globals__ }}",
        "{{ question|attr('__class__') }}",
        "{{ cycler.__init__ }}",
        "{{ self }}{{ _rounds }}",
        "{{ question.format(1) }}",
        "{{ range(10) }}",
        "{% import 'os' as os %}",
        "{% include 'settings.py' %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 10 ** 10 }}",
        "{{ 'x'|center(1000000000) }}",
        "{% for x in options recursive %}{{ loop(options) }}{% endfor %}",
        "{{ items.pop() }}",
        "{% do items %}",
        "{{ unclosed",
        "x" * 20_000,
        "{{ a }}" * 600,
    ],
)
def test_what_is_not_needed_is_refused_when_the_definition_arrives(template):
    with pytest.raises(BadDefinition):
        compiled(template)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ missing }}", "missing"),
        ("{{ question['__class__'] }}", "undefined|no attribute|has no"),
        ("{{ nested.none.of.this }}", "none"),
        ("{{ 'x' * 1000000000 }}", "not made for"),
        ("{{ '%1000000000d' % 1 }}", "not made for"),
        ("{% set ns = question %}" + "{% set ns = ns ~ ns %}" * 40 + "{{ ns }}", "too much text"),
        ("{% set l = options %}" + "{% set l = [l, l] %}" * 40 + "{{ l }}", "too much text"),
        ("{% set n = 9 %}" + "{% set n = n * n %}" * 40 + "{{ n }}", "too large a number"),
        ("{% set t = 'x' %}" + "{% set t = t|replace('x', 'xxxxxxxxxx') %}" * 9, "too much text"),
        ("{% for a in many %}{% for b in many %}{% for c in many %}{% endfor %}{% endfor %}{% endfor %}", "loops for"),
        ("{% for a in many %}{{ long }}{% endfor %}", "too much text"),
        ("{{ many|join(long) }}", "too much text"),
        ("{{ answer / 0 }}", "division"),
        ("{{ options.index('green') }}", "not in list"),
    ],
)
def test_what_grows_loops_or_does_not_fit_the_data_ends_with_a_sentence(template, said):
    fields = FIELDS | {"many": list(range(1000)), "long": "x" * 5000}
    started = time.monotonic()

    with pytest.raises(TemplateFailed, match=said) as failed:
        compiled(template).text(fields)

    assert str(failed.value).endswith(".")
    assert time.monotonic() - started < 20  # not for ever


def test_a_lone_missing_field_is_no_value():
    with pytest.raises(TemplateFailed, match="missing"):
        compiled("{{ missing }}").value(FIELDS)
