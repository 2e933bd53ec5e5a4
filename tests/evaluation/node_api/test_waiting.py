"""The long poll on a real gunicorn: what only a real socket shows."""

import socket
import threading
import time

import httpx
import pytest

PLACES = 6  # of each web process
THREADS = 32  # of both web processes
WAIT_SECONDS = 15


@pytest.fixture(scope="module")
def token(hub):
    return hub.command("create_node", "waiting").strip()


def ask(hub, token, wait):
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{hub.url}/node_api/claim?wait={wait}", json={}, headers=headers, timeout=40)


def test_a_node_that_hangs_up_gives_its_place_back(hub, token):
    request = (
        f"POST /node_api/claim?wait=20 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    for _ in range(4 * PLACES):
        with socket.create_connection(("127.0.0.1", hub.port)) as connection:
            connection.sendall(request.encode())
            time.sleep(0.05)
    time.sleep(2.5)

    assert ask(hub, token, 1).status_code == 204


def test_more_nodes_than_places_are_told_to_come_again_and_people_are_served(hub, token):
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(ask(hub, token, WAIT_SECONDS).status_code))
        for _ in range(THREADS + 8)
    ]
    for thread in threads:
        thread.start()
    time.sleep(3)
    begun = time.monotonic()
    page = httpx.get(f"{hub.url}/health/live", timeout=30)
    took = time.monotonic() - begun
    for thread in threads:
        thread.join()

    assert page.status_code == 200
    assert took < WAIT_SECONDS / 2  # without a limit, all threads would wait, and people with them
    assert set(statuses) == {204, 503}
    assert statuses.count(204) <= 2 * PLACES
