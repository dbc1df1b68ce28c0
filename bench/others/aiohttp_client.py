"""The same checkouts with aiohttp, on asyncio's own loop; prints the same line of figures.

json is Python's own; the checksum is binascii's, in C, which a Python program would take.

usage: aiohttp_client.py --url URL [--inflight N] [--checkouts N]
"""

import argparse
import asyncio
import binascii
import resource
import sys
import time

import aiohttp

TOKEN = "bench-" + "0123456789abcdef" * 16
STATUSES = ("PENDING", "PAID", "EXPIRED", "CANCELLED")


class Wrong(Exception):
    """An answer that a shop must not believe."""


def amount_of(code):
    """The amount in a BR Code whose checksum is right."""
    if code[-8:-4] != "6304":
        raise Wrong("the code has no checksum")
    if int(code[-4:], 16) != binascii.crc_hqx(code[:-4].encode(), 0xFFFF):
        raise Wrong("the code's checksum is wrong")
    at, amount = 0, None
    while at + 4 <= len(code):
        end = at + 4 + int(code[at + 2 : at + 4])
        if end > len(code):
            raise Wrong("the code is cut")
        if code[at : at + 2] == "54":
            amount = code[at + 4 : end]
        at = end
    return amount


def check_charge(charge):
    if not isinstance(charge, dict) or not isinstance(charge.get("id"), str) or not charge["id"]:
        raise Wrong("no id")
    if charge.get("status") not in STATUSES:
        raise Wrong("an unknown status")
    if float(amount_of(charge["qr_code_text"])) != 19.9 or float(charge["value"]) != 19.9:
        raise Wrong("other amount")
    return charge["id"]


async def answer(response, expected):
    async with response as reply:
        if reply.status != expected:
            raise Wrong(f"status {reply.status}")
        return await reply.json()


async def checkout(session):
    body = {"device_code": "bench-device", "value": 19.9}
    charge = check_charge(await answer(session.post("/api/qrcode/new", json=body), 201))
    path = f"/api/qrcode/{charge}/status?device_code=bench-device"
    heard = await answer(session.get(path), 200)
    if not isinstance(heard, dict) or heard.get("status") not in STATUSES:
        raise Wrong("an unknown status")


class Bench:
    def __init__(self, options):
        self.options = options
        self.started = self.finished = self.failed = 0
        self.last_error = None

    async def worker(self, session):
        while self.started < self.options.checkouts:
            self.started += 1
            try:
                await checkout(session)
            except (Wrong, aiohttp.ClientError, ValueError, KeyError, TypeError) as err:
                self.failed += 1
                self.last_error = err
            self.finished += 1

    async def run(self):
        """Seconds of wall time and of CPU, from the first checkout to the last."""
        headers = {"Authorization": "Bearer " + TOKEN, "Accept": "application/json"}
        connector = aiohttp.TCPConnector(limit=self.options.inflight)
        timeout = aiohttp.ClientTimeout(total=15)
        async with aiohttp.ClientSession(
            self.options.url, connector=connector, headers=headers, timeout=timeout
        ) as session:
            wall, cpu = time.monotonic(), time.process_time()
            await asyncio.gather(*(self.worker(session) for _ in range(self.options.inflight)))
            return time.monotonic() - wall, time.process_time() - cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--inflight", type=int, default=64)
    parser.add_argument("--checkouts", type=int, default=10000)
    bench = Bench(parser.parse_args())
    wall, cpu = asyncio.run(bench.run())
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"checkouts={bench.finished} seconds={wall:.6f} cpu={cpu:.6f} "
        f"maxrss_kib={rss} failed={bench.failed}"
    )
    if bench.failed:
        sys.exit(str(bench.last_error))


main()
