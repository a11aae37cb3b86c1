"""`python -m tests.benchmarks.emulator`: 200 clients at once, published and not judged.

Each asks for a small picture, gets its address and fetches it. The ratio says what a picture costs the emulator, in time
of the processor, with 200 clients beside one: near 1 means that it is only drawing.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.emulator.running import KEY, Running, emulator, order

RESULTS = Path(__file__).parent / "results"
CLIENTS, TURNS = 200, 2


async def turns(http: httpx.AsyncClient, client: int, count: int) -> list[float]:
    """Seconds of each turn: a request, its picture and the check that there is one."""
    found = []
    for turn in range(count):
        body = order(f"picture {client} {turn}", model="seedream-3-0-t2i-250415", size="512x512")
        began = time.monotonic()
        answer = await http.post("/api/v3/images/generations", json=body, headers=KEY)
        picture = await http.get(answer.json()["data"][0]["url"])
        assert picture.content.startswith(b"\xff\xd8")
        found.append(time.monotonic() - began)
    return found


def measure(running: Running, clients: int, count: int) -> dict[str, Any]:
    async def session() -> list[float]:
        limits = httpx.Limits(max_connections=clients)
        async with httpx.AsyncClient(base_url=running.origin, timeout=120, limits=limits, trust_env=False) as http:
            found = await asyncio.gather(*(turns(http, client, count) for client in range(clients)))
        return [seconds for each in found for seconds in each]

    began, used = time.monotonic(), processor_seconds(running.process.pid)
    seconds = asyncio.run(session())
    whole = time.monotonic() - began
    return {
        "clients": clients,
        "pictures": len(seconds),
        "seconds": round(whole, 2),
        "pictures_per_second": round(len(seconds) / whole, 1),
        "median_s": round(statistics.median(seconds), 3),
        "p95_s": round(statistics.quantiles(seconds, n=20)[-1], 3),
        "emulator_ms_per_picture": round(1000 * (processor_seconds(running.process.pid) - used) / len(seconds), 2),
    }


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_megabytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def main() -> int:
    """Writes results/emulator.json and prints it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator(Path(folder), fresh=True, plain=False, ipm=1_000_000) as running,
    ):
        rows = [measure(running, 1, 50), measure(running, CLIENTS, TURNS)]
        peak = peak_megabytes(running.process.pid)
    ratio = rows[1]["emulator_ms_per_picture"] / rows[0]["emulator_ms_per_picture"]
    document = {
        "benchmark": "the emulator under 200 clients",
        "rows": rows,
        "cost_over_one_client": round(ratio, 2),
        "peak_megabytes": peak,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(document, indent=2)
    (RESULTS / "emulator.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
