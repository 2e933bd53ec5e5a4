"""Images and sounds of the inputs."""

import io
import tarfile
from pathlib import Path

from PIL import Image

from evaluation.runner.failures import RunFailed
from evaluation.runner.sounds import BadSound, SoundFacts, Wave, read_sound, sound_facts

MEDIA = "media.tar"  # beside inputs.jsonl; one archive instead of many small files
LARGEST_IMAGE = 64_000_000  # pixels: a few bytes of PNG can ask for all the memory there is
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")


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
            with self._opened(name) as image:
                return image.convert(mode)
        except (OSError, ValueError, SyntaxError) as error:
            raise RunFailed("data_unavailable", f"The image {name!r} of the inputs cannot be read.") from error

    def image_size(self, name: str) -> tuple[int, int]:
        """(width, height) as the header says; nothing is decoded. Raises RunFailed: data_unavailable."""
        with self._opened(name) as image:
            return image.size

    def sound_facts(self, name: str) -> SoundFacts:
        """Raises RunFailed: data_unavailable."""
        try:
            return sound_facts(self.content(name))
        except (OSError, BadSound) as error:
            raise RunFailed("data_unavailable", f"The sound {name!r} of the inputs cannot be read: {error}.") from error

    def sound(self, name: str, rate: int) -> Wave:
        """Raises RunFailed: data_unavailable."""
        try:
            return read_sound(self.content(name), rate)
        except (OSError, BadSound) as error:
            raise RunFailed("data_unavailable", f"The sound {name!r} of the inputs cannot be read: {error}.") from error

    def _opened(self, name: str) -> Image.Image:
        """An image whose header was read and found reasonable."""
        too_large = RunFailed(
            "data_unavailable", f"The image {name!r} of the inputs has more than {LARGEST_IMAGE} pixels."
        )
        try:
            image = Image.open(io.BytesIO(self.content(name)), formats=IMAGE_FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise too_large from error
        except (OSError, ValueError, SyntaxError) as error:
            raise RunFailed("data_unavailable", f"The image {name!r} of the inputs cannot be read.") from error
        if image.width * image.height > LARGEST_IMAGE:
            raise too_large
        return image

    def content(self, name: str) -> bytes:
        """Raises OSError: there is no such file."""
        if name not in self.places:
            return (self.folder / name).read_bytes()
        offset, size = self.places[name]
        with (self.folder / MEDIA).open("rb") as stream:
            stream.seek(offset)
            return stream.read(size)
