"""Memory of a model, estimated from headers and configuration."""

import pytest

from catalog.parsing.memory import cache_bytes_per_token, memory_estimate

GPT2 = {"n_layer": 12, "n_head": 12, "n_embd": 768}
LLAMA = {
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "hidden_size": 4096, "head_dim": 128,
}  # fmt: skip


def test_it_is_weights_activations_and_what_libraries_need():
    found = memory_estimate({"BF16": 7_000_000_000})

    assert (found.weights, found.activations) == (14_000_000_000, 2_800_000_000)
    assert found.total == 14_000_000_000 + 2_800_000_000 + 600_000_000


def test_small_models_need_half_a_gigabyte_besides():
    assert memory_estimate({"F32": 1000}).total == 4000 + 500_000_000 + 600_000_000


def test_floats_are_counted_in_the_type_of_the_run_and_other_numbers_as_stored():
    stored = {"BF16": 1_000_000, "F32": 500_000, "I64": 10}

    assert memory_estimate(stored, run_dtype="float32").weights == 4 * 1_500_000 + 80
    assert memory_estimate(stored, run_dtype="bfloat16").weights == 2 * 1_500_000 + 80
    assert memory_estimate(stored).weights == 2_000_000 + 2_000_000 + 80


def test_packed_types_of_half_a_byte_are_counted_as_such():
    assert memory_estimate({"F4": 1000}).weights == 500


def test_keys_and_values_of_every_layer_are_kept_for_every_token():
    assert cache_bytes_per_token(GPT2, 4) == 2 * 12 * 768 * 4
    assert cache_bytes_per_token(LLAMA, 2) == 2 * 32 * 8 * 128 * 2
    assert cache_bytes_per_token({"text_config": LLAMA}, 2) == cache_bytes_per_token(LLAMA, 2)
    assert memory_estimate({"BF16": 10**9}, config=LLAMA, cached_tokens=640).cache == 640 * 131_072


@pytest.mark.parametrize("config", [{}, {"num_hidden_layers": "many"}, {"num_hidden_layers": True}, {"n_layer": -3}])
def test_a_configuration_that_does_not_say_costs_the_cache_alone(config):
    assert cache_bytes_per_token(config, 2) == 0


def test_without_headers_there_is_no_estimate():
    assert memory_estimate({}) is None
