"""HfFileSystem: repos as folders, for fsspec, pandas and the like."""

from __future__ import annotations

import random

from features import NotOffered, expect, expect_error, feature, folder, repo_id, run
from huggingface_hub import HfApi, HfFileSystem

api = HfApi()
DATA = random.Random(11).randbytes(6_000_000)


def new_repo(name: str) -> tuple[HfFileSystem, str]:
    """A file system and the root of a fresh dataset with a few files in it."""
    repo = repo_id(name)
    api.create_repo(repo, repo_type="dataset")
    for path, data in (("a.txt", b"text\n"), ("sub/b.csv", b"x,y\n1,2\n"), ("sub/deep/w.bin", DATA)):
        api.upload_file(path_or_fileobj=data, path_in_repo=path, repo_id=repo, repo_type="dataset")
    return HfFileSystem(skip_instance_cache=True), f"datasets/{repo}"


@feature("ls, info, exists, isdir, walk, du")
def looking() -> None:
    files, root = new_repo("fs-look")
    expect(sorted(files.ls(root, detail=False)), [f"{root}/{n}" for n in (".gitattributes", "a.txt", "sub")])
    info = files.info(f"{root}/sub/deep/w.bin")
    expect((info["type"], info["size"]), ("file", len(DATA)))
    expect((files.exists(f"{root}/a.txt"), files.exists(f"{root}/none")), (True, False))
    expect((files.isdir(f"{root}/sub"), files.isfile(f"{root}/sub")), (True, False))
    expect([sorted(names) for _, _, names in files.walk(f"{root}/sub")], [["b.csv"], ["w.bin"]])
    expect(files.du(f"{root}/sub"), len(DATA) + 8)
    with expect_error(FileNotFoundError):
        files.ls(f"{root}/none")


@feature("glob and find")
def globbing() -> None:
    files, root = new_repo("fs-glob")
    expect(files.glob(f"{root}/**/*.csv"), [f"{root}/sub/b.csv"])
    expect(files.glob(f"{root}/*.txt"), [f"{root}/a.txt"])
    expect(files.find(f"{root}/sub"), [f"{root}/sub/b.csv", f"{root}/sub/deep/w.bin"])


@feature("read: whole, in pieces, by range")
def reading() -> None:
    files, root = new_repo("fs-read")
    expect(files.read_text(f"{root}/a.txt"), "text\n")
    with files.open(f"{root}/sub/deep/w.bin", "rb", block_size=1_000_000) as file:
        file.seek(3_000_000)
        expect(file.read(1000), DATA[3_000_000:3_001_000])
        file.seek(-10, 2)
        expect(file.read(), DATA[-10:])
    with files.open(f"{root}/sub/deep/w.bin", "rb", block_size=0) as stream:
        expect(stream.read() == DATA, True)
    expect(files.cat_file(f"{root}/sub/deep/w.bin", start=5, end=25), DATA[5:25])
    with folder() as here:
        files.get_file(f"{root}/sub/deep/w.bin", str(here / "w.bin"))
        expect((here / "w.bin").read_bytes() == DATA, True)


@feature("write, put")
def writing() -> None:
    files, root = new_repo("fs-write")
    with files.open(f"{root}/new.txt", "w") as file:
        file.write("new")
    with folder() as here:
        (here / "w.bin").write_bytes(DATA)
        files.put_file(str(here / "w.bin"), f"{root}/put/w.bin")
    files.invalidate_cache()
    expect(files.read_text(f"{root}/new.txt"), "new")
    expect(files.info(f"{root}/put/w.bin")["size"], len(DATA))


@feature("copy, move, remove")
def changing() -> None:
    files, root = new_repo("fs-change")
    files.cp_file(f"{root}/sub/deep/w.bin", f"{root}/copy.bin")
    files.cp_file(f"{root}/a.txt", f"{root}/copy.txt")
    files.mv(f"{root}/a.txt", f"{root}/moved.txt")
    files.rm(f"{root}/sub", recursive=True)
    files.invalidate_cache()
    names = [name.rpartition("/")[2] for name in files.find(root)]
    expect(sorted(names), [".gitattributes", "copy.bin", "copy.txt", "moved.txt"])


@feature("revisions in paths; modified times")
def revisions() -> None:
    files, root = new_repo("fs-rev")
    repo = root.partition("/")[2]
    api.create_branch(repo, branch="feature/x", repo_type="dataset")
    api.delete_file("a.txt", repo, repo_type="dataset")
    expect(files.exists(f"{root}@main/a.txt"), False)
    expect(files.read_text(f"{root}@feature%2Fx/a.txt"), "text\n")
    expect(files.modified(f"{root}/sub/b.csv").year > 2000, True)
    files.write_text(f"{root}@feature%2Fx/c.txt", "c")
    expect("c.txt" in api.list_repo_files(repo, revision="feature/x", repo_type="dataset"), True)


@feature("pandas reads and writes hf:// paths")
def pandas() -> None:
    try:
        import pandas as pd
    except ModuleNotFoundError:
        raise NotOffered("this environment is without pandas; see that of datasets") from None
    _, root = new_repo("fs-pandas")
    table = pd.read_csv(f"hf://{root}/sub/b.csv")
    expect(table.to_dict("list"), {"x": [1], "y": [2]})
    table.to_parquet(f"hf://{root}/b.parquet")
    expect(pd.read_parquet(f"hf://{root}/b.parquet").to_dict("list"), {"x": [1], "y": [2]})


run()
