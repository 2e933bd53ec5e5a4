"""Calls that meet: real threads, each with a database connection of its own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection


def at_once(*calls):
    """Returns what each call returned or raised; they start together."""
    barrier = Barrier(len(calls))

    def run(call):
        try:
            barrier.wait(10)
            return call()
        except Exception as problem:  # noqa: BLE001  # the test looks at it
            return problem
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
