"""Hidden tokens: a model of known probabilities has the perplexity one can compute, proteins included."""

import json
import math

import pytest
import torch
import transformers

from evaluation.metrics.predictions import read_predictions
from evaluation.metrics.scoring import score
from evaluation.runner.batching import Budget, OutOfMemory
from evaluation.runner.loading import Loader
from evaluation.runner.spec import InputRow, RunSpec
from evaluation.runner.tasks import masks
from evaluation.runner.tasks.windows import in_parts
from tests.evaluation.runner import text_families as families
from tests.evaluation.runner.conftest import DEFINITIONS
from tests.evaluation.runner.test_requests import rows_of, some_inputs

MASKS = DEFINITIONS["manual-masks"]
RESIDUES = "LAGVESIKRDTPNQFYMHCW"  # twenty amino acids, most frequent first


@pytest.fixture(scope="session", params=["bert", "distilbert", "roberta"])
def guesser(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"guesser-{request.param}")
    return families.save(folder, request.param, transformers.AutoModelForMaskedLM)


def by_hand(folder, text, window=62):
    """(tokens, nats, first, near), hiding one token after another, by plain transformers."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    plain = tokenizer(text, add_special_tokens=False)["input_ids"]
    total = [0, 0.0, 0, 0]
    for start in range(0, len(plain), window):
        ids = [tokenizer.cls_token_id, *plain[start : start + window], tokenizer.sep_token_id]
        for place in range(1, len(ids) - 1):
            given = torch.tensor([[*ids[:place], tokenizer.mask_token_id, *ids[place + 1 :]]])
            with torch.inference_mode():
                scores = model(input_ids=given).logits[0, place].log_softmax(-1)
            rank = int((scores > scores[ids[place]]).sum())
            total = [total[0] + 1, total[1] - float(scores[ids[place]]), total[2] + (rank < 1), total[3] + (rank < 5)]
    return total


def test_every_family_guesses_as_one_token_after_the_other(bench, guesser, inputs_of, tmp_path):
    path, rows = some_inputs(inputs_of("manual-masks"), tmp_path, 5)
    rows.append({"id": "long", "text": " ".join(row["text"] for row in rows)})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    code, events = bench.run("manual-masks", guesser, path)

    assert code == 0, events
    for row, found in zip(rows, rows_of(bench.output / "predictions.jsonl"), strict=True):
        tokens, nats, first, near = by_hand(guesser, row["text"])
        assert (found["tokens"], found["first"], found["near"]) == (tokens, first, near)
        assert found["nats"] == pytest.approx(nats, rel=1e-4)
    settings = json.loads((bench.output / "measurements.json").read_text())["settings"]
    assert settings["inputs_in_windows"] >= 1


def save_protein_model(folder):
    """Like ProtBERT: a BERT whose words are residues. It guesses each by how frequent it is, whatever is around."""
    torch.manual_seed(7)
    vocabulary = {token: number for number, token in enumerate([*families.BERT_TOKENS, *RESIDUES, "X"])}
    tokenizer = transformers.BertTokenizer(vocab=vocabulary, do_lower_case=False, model_max_length=40)
    config = transformers.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=40, **families.SMALL)
    model = transformers.BertForMaskedLM(config).eval()
    weights = torch.full((len(vocabulary),), -30.0)
    for place, residue in enumerate(RESIDUES):
        weights[vocabulary[residue]] = -0.1 * place
    with torch.no_grad():
        model.bert.embeddings.word_embeddings.weight.zero_()  # the output is tied to it
        model.cls.predictions.bias.copy_(weights)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    share = weights.double().softmax(0)
    return {residue: float(share[vocabulary[residue]]) for residue in RESIDUES}


def test_a_protein_model_of_known_frequencies_has_the_perplexity_they_give(bench, tmp_path):
    shares = save_protein_model(tmp_path / "protein")
    sequences = ["MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPD", "MLLAVLYCLLWSFQTSA", "GGAL"]
    rows = [{"id": f"{number}", "text": " ".join(sequence)} for number, sequence in enumerate(sequences)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    code, events = bench.run("manual-masks", tmp_path / "protein", tmp_path / "in.jsonl")

    assert code == 0, events
    gold = [{"id": row["id"], "bytes": len(row["text"])} for row in rows]
    values = {v.metric: v.value for v in score(MASKS, gold, read_predictions(MASKS, bench.output))}
    residues = "".join(sequences)
    nats = -sum(math.log(shares[residue]) for residue in residues)
    assert values["pseudo_ppl"] == pytest.approx(math.exp(nats / len(residues)), rel=1e-5)
    assert values["mask_top1"] == residues.count("L") / len(residues)
    assert values["mask_top5"] == sum(map(residues.count, RESIDUES[:5])) / len(residues)


def test_the_head_sees_hidden_places_only(guesser):
    loaded, _ = Loader("cpu").load(guesser, transformers.AutoModelForMaskedLM, "float32")
    ids = torch.arange(5, 17).reshape(2, 6)
    places = torch.tensor([2, 4])

    with torch.inference_mode():
        whole = loaded.model(input_ids=ids).logits
        with masks.at_places(masks.head_of(loaded), places):
            few = loaded.model(input_ids=ids).logits
        again = loaded.model(input_ids=ids).logits

    assert few.shape[:2] == (2, 1)
    assert torch.allclose(few[:, 0], whole[[0, 1], places], atol=1e-5)
    assert torch.equal(again, whole)


def test_windows_are_halved_until_they_fit_and_nothing_is_lost(guesser):
    loaded, _ = Loader("cpu").load(guesser, transformers.AutoModelForMaskedLM, "float32")
    batch = {"input_ids": torch.arange(70).reshape(35, 2)}
    sizes = []

    def forward(part):
        if len(part["input_ids"]) > 4:
            raise torch.OutOfMemoryError
        sizes.append(len(part["input_ids"]))
        return part["input_ids"][:, 0].tolist()

    assert in_parts(batch, 2, Budget(tokens=64, items=99), loaded, forward) == list(range(0, 70, 2))
    assert max(sizes) == 4
    with pytest.raises(OutOfMemory):
        in_parts(batch, 2, Budget(tokens=64, items=99), loaded, lambda _: forward({"input_ids": range(9)}))


def test_a_long_text_lies_in_memory_once_and_not_once_for_each_of_its_tokens(guesser, tmp_path):
    run = RunSpec(
        run_id="1", request="mask", model_dir=guesser, inputs=tmp_path / "in.jsonl", output=tmp_path, labels=()
    )
    task = masks.Masks(run, Loader("cpu"))
    task.lengths([InputRow(id="a", text="the quick brown fox jumps over the lazy dog " * 100)])
    tokens = sum(len(window.ids) for window in task.windows.of[0])

    batch = task.prepare([0])

    assert tokens > 900
    assert sum(tensor.numel() for tensor in batch.values()) < 7 * tokens


def test_a_tokenizer_without_a_mask_is_unsupported(bench, guesser, tmp_path):
    import shutil

    folder = shutil.copytree(guesser, tmp_path / "m")
    facts = json.loads((folder / "tokenizer_config.json").read_text())
    facts["mask_token"] = None
    (folder / "tokenizer_config.json").write_text(json.dumps(facts))
    (tmp_path / "in.jsonl").write_text('{"id": "a", "text": "text"}\n')

    code, events = bench.run("manual-masks", folder, tmp_path / "in.jsonl")

    assert (code, events[-1]["reason"]) == (10, "unsupported")
