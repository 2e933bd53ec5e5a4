"""Images and sounds of the inputs."""

import io
import tarfile
from pathlib import Path

from PIL import Image

from evaluation.runner.failures import RunFailed

MEDIA = "media.tar"  # beside inputs.jsonl; one archive instead of many small files


class Media:
    """Media beside the inputs, out of one archive or as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places: dict[str, tuple[int, int]] = {}  # name → offset and size in the archive
        if (folder / MEDIA).is_file():
            with tarfile.open(folder / MEDIA) as archive:
                self.places = {member.name: (member.offset_data, member.size) for member in archive.getmembers()}

    def image(self, name: str, mode: str) -> Image.Image:
        """Raises RunFailed: data_unavailable."""
        try:
            with Image.open(io.BytesIO(self.content(name))) as image:
                return image.convert(mode)
        except (OSError, ValueError) as error:
            raise RunFailed("data_unavailable", f"The image {name!r} of the inputs cannot be read.") from error

    def content(self, name: str) -> bytes:
        """Raises OSError: there is no such file."""
        if name not in self.places:
            return (self.folder / name).read_bytes()
        offset, size = self.places[name]
        with (self.folder / MEDIA).open("rb") as stream:
            stream.seek(offset)
            return stream.read(size)
