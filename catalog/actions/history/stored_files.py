"""The files a push names that are in the store, by git's ids: a hundred thousand of them in some sixty bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from catalog.actions.history.changesets import NewFile
from catalog.parsing.pack_tables import NameTable


class StoredFiles:
    def __init__(self) -> None:
        self._names = NameTable()
        self._sizes = array("Q")
        self._blobs = array("Q")
        self._are_lfs = bytearray()

    def __contains__(self, oid: str) -> bool:
        return self._names.number(bytes.fromhex(oid)) is not None

    def add(self, oid: str, *, size: int, blob_id: int, is_lfs: bool) -> None:
        """Note a file; what is known of this id already stays as it is."""
        if self._names.add(bytes.fromhex(oid)) == len(self._sizes):
            self._sizes.append(size)
            self._blobs.append(blob_id)
            self._are_lfs.append(is_lfs)

    def at(self, oid: str, mode: int) -> NewFile:
        """Returns the file as a commit names it. Raises `KeyError`."""
        number = self._names.number(bytes.fromhex(oid))
        if number is None:
            raise KeyError(oid)
        return NewFile(mode, oid, self._sizes[number], self._blobs[number], bool(self._are_lfs[number]))

    @property
    def blob_ids(self) -> Iterable[int]:
        return self._blobs
