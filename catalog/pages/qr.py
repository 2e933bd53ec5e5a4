"""QR codes as one path of SVG, drawn here: a page loads no picture, and a secret goes nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode


@dataclass(frozen=True)
class QrCode:
    size: int  # modules a side, with the quiet zone around
    path: str  # one unit square for each dark module

    @classmethod
    def of(cls, text: str) -> QrCode:
        code = QRCode(error_correction=ERROR_CORRECT_M, border=4)
        code.add_data(text)
        rows = code.get_matrix()
        dark = [(x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark]
        return cls(size=len(rows), path="".join(f"M{x} {y}h1v1h-1z" for x, y in dark))
