"""Bytes go up by the real client, with Xet and without, and come down the same."""

from __future__ import annotations

import hashlib
import random

import pytest


def content(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def test_a_file_goes_up_and_comes_down(ann):
    data = content(3_000_000, 1) + bytes(2_000_000)
    (ann.home / "w.bin").write_bytes(data)

    found = ann.script(
        """
        url = api.create_repo("ann/trip-" + ("xet" if xet else "plain"))
        commit = api.upload_file(path_or_fileobj="w.bin", path_in_repo="sub/w.bin", repo_id=url.repo_id)
        path = api.hf_hub_download(url.repo_id, "sub/w.bin")
        info = api.get_paths_info(url.repo_id, ["sub/w.bin"])[0]
        again = api.upload_file(path_or_fileobj="w.bin", path_in_repo="copy.bin", repo_id=url.repo_id)
        import hashlib, pathlib
        answer({
            "url": str(url), "sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(),
            "lfs": info.lfs.sha256, "size": info.size, "commit": commit.oid, "name": pathlib.Path(path).resolve().name,
        })
        """,
        xet=ann.with_xet,
    )

    expected = hashlib.sha256(data).hexdigest()
    assert found["url"].startswith(ann.endpoint)
    assert found["sha256"] == found["lfs"] == found["name"] == expected
    assert found["size"] == len(data)


def test_a_folder_goes_up_in_one_go_and_a_snapshot_comes_down(ann):
    folder = ann.home / "folder"
    (folder / "deep" / "er").mkdir(parents=True)
    files = {
        "README.md": b"---\nlicense: mit\ntags: [demo]\n---\n# Demo\n",
        "config.json": b"{}",
        "deep/er/weights.safetensors": content(200_000, 2),
        "deep/zażółć gęślą.txt": "jaźń\n".encode(),
        "empty.bin": b"",
        "deep/tiny.bin": b"\0",
        "long.txt": b"text\n" * 1_800_000,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)

    found = ann.script(
        """
        import pathlib
        repo = "ann/folder-" + ("xet" if xet else "plain")
        api.create_repo(repo, private=True, exist_ok=True)
        api.create_repo(repo, private=True, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path="folder", commit_message="All of it")
        api.upload_folder(repo_id=repo, folder_path="folder", commit_message="Nothing new")
        root = pathlib.Path(api.snapshot_download(repo))
        same = {p.relative_to(root).as_posix(): p.read_bytes().hex() for p in root.rglob("*") if p.is_file()}
        info = api.model_info(repo, files_metadata=True)
        answer({"files": same, "commits": [c.title for c in api.list_repo_commits(repo)], "private": info.private,
                "tags": info.tags, "sizes": {s.rfilename: s.size for s in info.siblings}})
        """,
        xet=ann.with_xet,
    )

    down = {name: bytes.fromhex(data) for name, data in found["files"].items()}
    assert {name: down.get(name) for name in files} == files
    assert found["commits"] == ["All of it", "initial commit"]
    assert found["private"] is True
    assert {"demo", "license:mit"} <= set(found["tags"])
    assert found["sizes"]["deep/er/weights.safetensors"] == 200_000


def test_the_command_line_uploads_to_a_branch_and_downloads(ann):
    repo = "ann/cli-" + ("xet" if ann.with_xet else "plain")
    (ann.home / "w.bin").write_bytes(content(500_000, 3))
    (ann.home / "notes.txt").write_text("hello")

    ann.hf("repos", "create", repo)
    ann.hf("upload", repo, "w.bin")
    ann.hf("upload", repo, "notes.txt", "sub/notes.txt", "--revision", "next")
    ann.hf("download", repo, "--local-dir", "down", "--revision", "next")

    assert (ann.home / "down" / "w.bin").read_bytes() == (ann.home / "w.bin").read_bytes()
    assert (ann.home / "down" / "sub" / "notes.txt").read_text() == "hello"
    assert "ann" in ann.hf("auth", "whoami")


def test_a_dataset_works_the_same(ann):
    found = ann.script(
        """
        repo = "ann/data-" + ("xet" if xet else "plain")
        api.create_repo(repo, repo_type="dataset")
        api.upload_file(path_or_fileobj=b"a,b\\n1,2\\n", path_in_repo="train.csv", repo_id=repo, repo_type="dataset")
        api.upload_file(path_or_fileobj=b"\\0parquet", path_in_repo="x.parquet", repo_id=repo, repo_type="dataset")
        from huggingface_hub import HfFileSystem
        files = HfFileSystem()
        with files.open(f"datasets/{repo}/x.parquet", "rb") as file:
            file.seek(3)
            tail = file.read()
        answer({
            "names": files.ls(f"datasets/{repo}", detail=False),
            "glob": files.glob(f"datasets/{repo}/*.csv"),
            "text": files.read_text(f"datasets/{repo}/train.csv"),
            "tail": tail.decode(),
            "exists": [files.exists(f"datasets/{repo}/train.csv"), files.exists(f"datasets/{repo}/nothing")],
            "listed": [d.id for d in api.list_datasets(author="ann") if d.id == repo],
        })
        """,
        xet=ann.with_xet,
    )

    repo = "ann/data-" + ("xet" if ann.with_xet else "plain")
    assert sorted(name.rpartition("/")[2] for name in found["names"]) == [".gitattributes", "train.csv", "x.parquet"]
    assert found["glob"] == [f"datasets/{repo}/train.csv"]
    assert (found["text"], found["tail"]) == ("a,b\n1,2\n", "rquet")
    assert found["exists"] == [True, False]
    assert found["listed"] == [repo]


def test_a_file_object_and_bytes_go_up(ann):
    found = ann.script(
        """
        import io
        repo = "ann/objects-" + ("xet" if xet else "plain")
        api.create_repo(repo)
        api.upload_file(path_or_fileobj=io.BytesIO(b"\\0" * 50_000), path_in_repo="object.bin", repo_id=repo)
        api.upload_file(path_or_fileobj=b"\\1\\0" * 50_000, path_in_repo="bytes.bin", repo_id=repo)
        answer({f.path: f.size for f in api.list_repo_tree(repo) if f.path.endswith(".bin")})
        """,
        xet=ann.with_xet,
    )

    assert found == {"object.bin": 50_000, "bytes.bin": 100_000}


@pytest.mark.parametrize("with_xet", [True], indirect=False)
def test_many_text_files_of_nine_megabytes_travel_in_one_commit(ann, with_xet):
    found = ann.script(
        """
        from huggingface_hub import CommitOperationAdd
        api.create_repo("ann/big-commit", exist_ok=True)
        line = b"0123456789abcde\\n"
        operations = [CommitOperationAdd(f"{n}.txt", str(n).encode() + line * 562_500) for n in range(6)]
        api.create_commit("ann/big-commit", operations, commit_message="Six")
        tree = api.list_repo_tree("ann/big-commit")
        answer([(file.path, file.size, file.lfs is None) for file in tree if file.path.endswith("txt")])
        """
    )

    assert found == [[f"{number}.txt", 9_000_001, True] for number in range(6)]


@pytest.mark.parametrize("with_xet", [True], indirect=False)
def test_bytes_the_client_remembers_sending_need_only_a_shard(ann, with_xet):
    data = content(400_000, 9)
    (ann.home / "w.bin").write_bytes(data)
    code = """
        import pathlib
        api.create_repo(repo)
        api.upload_file(path_or_fileobj="w.bin", path_in_repo="w.bin", repo_id=repo)
        answer(pathlib.Path(api.hf_hub_download(repo, "w.bin")).read_bytes() == pathlib.Path("w.bin").read_bytes())
        """

    assert ann.script(code, repo="ann/first-time") is True
    assert ann.script(code, repo="ann/second-time") is True  # the same HF_HOME, so hf_xet's cache knows the xorb
