"""gunicorn's configuration: `gunicorn -c python:marketplace.web_server marketplace.wsgi` (ADR 0006)."""

import gc
import os

USUAL_THREADS = 24  # two thirds for one actor's transfers, a sixth never for any (ADR 0015)

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", USUAL_THREADS))
worker_class = "marketplace.web_worker.WebWorker"  # gthread
# No `sendfile = True`: gunicorn takes any value at all for a no (Config.sendfile), and yes is its default.
backlog = 512
keepalive = 15  # seconds
timeout = 120  # seconds without a sign of life from a worker, not of a request
graceful_timeout = int(os.environ.get("DRAIN_SECONDS", "60"))
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112  heartbeats must not wait for a disk
preload_app = True  # imported once, shared by the workers
limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
# Who the client is and how it came are decided by ForwardedHeaders from TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
accesslog = None
errorlog = "-"
logconfig_dict: dict[str, object] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "marketplace.logs.JsonLines"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["console"], "propagate": False},
        "gunicorn.access": {"level": "WARNING", "handlers": ["console"], "propagate": False},
    },
}
control_socket_disable = True


def post_worker_init(worker: object) -> None:
    """A worker that was told to stop says so to probes on connections it still has; new ones nobody takes."""
    from marketplace import health  # Django is loaded by now

    health.is_stopping = lambda: not worker.alive  # type: ignore[attr-defined]


def when_ready(server: object) -> None:
    """Before the workers are forked: a collection that visits all that was imported would copy it into each of them."""
    gc.freeze()
