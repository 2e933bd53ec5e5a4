"""Writing one token after the other, the likeliest each time, whatever a generation_config.json wishes besides."""

from typing import Any, Final

# Said in full: a model's own wish fills whatever is not said. Which tokens mean what stays the model's to say.
GREEDY: Final[dict[str, Any]] = {
    "num_beams": 1, "num_beam_groups": None, "num_return_sequences": 1, "do_sample": False, "penalty_alpha": None,
    "dola_layers": None, "prompt_lookup_num_tokens": None, "guidance_scale": None, "watermarking_config": None,
    "min_length": 0, "min_new_tokens": None, "max_time": None, "stop_strings": None, "forced_eos_token_id": None,
    "repetition_penalty": 1.0, "encoder_repetition_penalty": None, "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0, "exponential_decay_length_penalty": None, "sequence_bias": None,
    "constraints": None, "force_words_ids": None,
}  # fmt: skip
