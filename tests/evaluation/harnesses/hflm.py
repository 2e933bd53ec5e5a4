"""lm_eval with its own model class, as anybody else would run it: the other side of the parity tests.

    python hflm.py job.json answer.json

job: that of lm_eval_process.py with "model"; answer: what was replayed there, and every answer the model gave.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "evaluation" / "harnesses"))  # behind the packages: a file there is called lm_eval, too

import lm_eval_process  # noqa: E402
import torch  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402


class Watched(HFLM):
    """Remembers what it was asked, in order, and what it answered."""

    def remember(self, requests, answers):
        self.asked = requests
        self.answered = {}
        for request, answer in zip(requests, answers, strict=True):
            self.answered.setdefault(request.doc_id, {})[request.idx] = answer
        return answers

    def loglikelihood(self, requests, **options):
        return self.remember(requests, super().loglikelihood(requests, **options))

    def loglikelihood_rolling(self, requests, **options):
        return self.remember(requests, super().loglikelihood_rolling(requests, **options))

    def generate_until(self, requests, **options):
        return self.remember(requests, super().generate_until(requests, **options))


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(1)
    model = Watched(pretrained=job["model"], dtype="float32", device="cpu", batch_size=8)
    _, results = lm_eval_process.perform(job, model)
    found = lm_eval_process.judged(results, job["task"], None)
    found["answers"] = [[own[idx] for idx in sorted(own)] for _, own in sorted(model.answered.items())]
    Path(sys.argv[2]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
