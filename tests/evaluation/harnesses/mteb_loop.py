"""mteb with its own loop and its own wrapper of sentence-transformers: the other side of the parity tests.

    python mteb_loop.py job.json answer.json

job: that of mteb_process.py with "model"; answer: {metric: score} of the subset and split.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "evaluation" / "harnesses"))  # behind the packages: a file there is called mteb, too

import mteb  # noqa: E402
import mteb_process  # noqa: E402
import torch  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(1)
    model = SentenceTransformer(job["model"], device="cpu", local_files_only=True)
    task = mteb_process.task_of(job)
    found = mteb.evaluate(model, task, cache=None, show_progress_bar=False, encode_kwargs={"batch_size": 8})
    (scores,) = found.task_results[0].scores[job["split"]]
    Path(sys.argv[2]).write_text(json.dumps(mteb_process.plain(scores)))


if __name__ == "__main__":
    main()
