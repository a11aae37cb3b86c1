"""The cells by a plain loop around the official openai SDK at its defaults: what most people write.

A call for each picture that has no file yet, then a download of what it answers; a failure is noted and the loop goes
on. The SDK's own retries (2) and their pauses are as shipped; its time-out of 600 s is shortened as ours is.
"""

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import openai

from tests.emulator.running import data_url, picture
from tests.faults.bill import is_picture
from tests.faults.cells import FRAMES, SCALE, Cell

TIMEOUT: Final = 600 / SCALE  # seconds


class Loop:
    """One cell's folder of files."""

    def __init__(self, cell: Cell, folder: Path, base_url: str) -> None:
        self.cell = cell
        self._folder = folder
        folder.mkdir(parents=True)
        self._client = openai.OpenAI(base_url=base_url, api_key=cell.key, timeout=TIMEOUT)

    def run(self) -> None:
        """The script, and the script once more when the fault is over."""
        for _ in range(2):
            if all((self._folder / str(place)).exists() for place in range(self.cell.mode.pictures)):
                return
            with contextlib.suppress(
                Exception
            ):  # what is no error of the SDK comes up too, like events that are no JSON
                for place, item in self._answer():
                    if not (self._folder / str(place)).exists():
                        self._save(place, item)

    @property
    def kept(self) -> set[str]:
        """Files that are pictures."""
        files = [path.read_bytes() for path in self._folder.iterdir()]
        return {hashlib.sha256(data).hexdigest() for data in files if is_picture(data)}

    def _answer(self) -> Iterator[tuple[int, Any]]:
        mode = self.cell.mode
        extra: dict[str, Any] = {"watermark": False}
        if mode.references:
            sent = [data_url(picture(1024, 1024, colour=f"#{40 * n:02x}5078")) for n in range(mode.references)]
            extra["image"] = sent
        prompt = self.cell.prompt
        if mode.layers:
            extra["layer_decomposition"] = True
        elif mode.pictures > 1:
            extra["sequential_image_generation"] = "auto"
            extra["sequential_image_generation_options"] = {"max_images": mode.pictures}
            prompt += f": generate {mode.pictures} separate images: {', '.join(FRAMES[: mode.pictures])}"
        answer = self._client.images.generate(
            model="dola-seedream-5-0-pro-260628" if mode.layers else "seedream-4-0-250828",
            prompt=prompt,
            size="auto" if mode.layers else "1K",  # type: ignore[arg-type]
            response_format="b64_json" if mode.inline else "url",
            extra_body=extra,
            **({"stream": True} if mode.stream else {}),
        )
        if mode.stream:
            for event in answer:
                if event.type.endswith("partial_succeeded"):
                    yield event.image_index, event
        else:
            yield from enumerate(answer.data)

    def _save(self, place: int, item: Any) -> None:
        url = getattr(item, "url", None)
        if url:
            answer = httpx.get(url, timeout=TIMEOUT, follow_redirects=True)
            answer.raise_for_status()
            data = answer.content
        else:
            data = base64.b64decode(item.b64_json)
        (self._folder / str(place)).write_bytes(data)
