"""Makes a picture of a page small enough to keep in the repository: 256 colours are plenty."""

import base64
import struct
import zlib

from playwright.sync_api import Page

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE_OF_EIGHT_BITS = (8, 3, 0, 0, 0)
COUNT_COLOURS = """
async (picture) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height).getContext('2d');
  canvas.drawImage(image, 0, 0);
  const { data } = canvas.getImageData(0, 0, width, height);
  const colours = Array.from({ length: width * height },
    (_, at) => (data[4 * at] << 16) | (data[4 * at + 1] << 8) | data[4 * at + 2]);
  const counts = new Map();
  for (const colour of colours) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a)).slice(0, 256);
  const apart = (a, b) => [16, 8, 0].reduce(
    (sum, bits) => sum + (((a >> bits) & 255) - ((b >> bits) & 255)) ** 2, 0);
  const nearest = new Map();
  for (const colour of counts.keys())
    nearest.set(colour, palette.reduce((best, _, at) =>
      apart(colour, palette[at]) < apart(colour, palette[best]) ? at : best, 0));
  return { width, height, palette, pixels: colours.map((colour) => nearest.get(colour)) };
}
"""


def small_png(page: Page, picture: bytes) -> bytes:
    """The same picture with its 256 most frequent colours. `page` is any page that is idle."""
    read = page.evaluate(COUNT_COLOURS, base64.b64encode(picture).decode())
    width, pixels = read["width"], bytes(read["pixels"])
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, len(pixels), width))
    size = struct.pack(">IIBBBBB", width, read["height"], *PALETTE_OF_EIGHT_BITS)
    palette = b"".join(colour.to_bytes(3, "big") for colour in read["palette"])
    return SIGNATURE + b"".join(
        _chunk(name, data)
        for name, data in (
            (b"IHDR", size),
            (b"PLTE", palette),
            (b"IDAT", zlib.compress(rows, 9)),
            (b"IEND", b""),
        )
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    checked = name + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
