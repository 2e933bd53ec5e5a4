"""Runs a model on inputs, inside the sandbox: no Django, no network, no labels. The only importer of torch.

Protocol (decision 10): `python -I -m evaluation.runner --spec DIR/spec.json --output OUTDIR`. The specification names
runs; each writes predictions.jsonl, or embeddings.npy with ids.json, and measurements.json. Progress and failures leave
as JSON lines on standard output.
"""

RUNNER_VERSION = "3"  # part of the run key: raise it when the same input can give another number
PROTOCOL = 1
