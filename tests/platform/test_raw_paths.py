import io

import pytest

from marketplace.raw_paths import EncodedPathRequest, encoded_path, keep_encoded


@pytest.mark.parametrize(
    ("raw_uri", "path"),
    [
        ("/api/models/a/b/tree/refs%2Fpr%2F1?recursive=1", "/api/models/a/b/tree/refs%2Fpr%2F1"),
        ("/a/b/resolve/main/100%25%2541.bin", "/a/b/resolve/main/100%25%2541.bin"),
        ("/%61pi/%7euser", "/api/~user"),
        ("/a%2fb", "/a%2Fb"),
        ("http://other.example/a%2Fb?x=http://y/", "/a%2Fb"),
        ("http://other.example", "/"),
        ("*", "/"),
        ("", "/"),
        ("//evil.example/path", "//evil.example/path"),
        ("/caf\u00c3\u00a9", "/caf%C3%A9"),
        ("/a b", "/a%20b"),
        ("/%zz%", "/%zz%"),
        ("/a#fragment?x", "/a"),
        ("/a?x#y", "/a"),
    ],
)
def test_the_path_of_a_request_target_stays_encoded(raw_uri, path):
    assert encoded_path(raw_uri) == path


def test_a_site_below_a_prefix_loses_the_prefix_once():
    environ = {"RAW_URI": "/hub/hub/x%2Fy", "SCRIPT_NAME": "/hub", "PATH_INFO": "/hub/x/y"}

    keep_encoded(environ)

    assert environ["PATH_INFO"] == "/hub/x%2Fy"


def test_without_a_raw_target_the_path_is_left_alone():
    environ = {"PATH_INFO": "/x/y"}

    keep_encoded(environ)

    assert environ["PATH_INFO"] == "/x/y"


def test_links_to_the_request_itself_are_not_encoded_twice():
    environ = {"PATH_INFO": "/a%2Fb", "QUERY_STRING": "q=%20", "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()}

    request = EncodedPathRequest(environ)

    assert request.get_full_path() == "/a%2Fb?q=%20"


def test_a_path_of_two_slashes_names_no_other_host_in_links():
    environ = {"PATH_INFO": "//evil.example", "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()}

    request = EncodedPathRequest(environ)

    assert request.get_full_path() == "/%2Fevil.example"
