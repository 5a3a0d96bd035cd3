"""A TCP relay that delays each direction, as distance does.

    python benchmarks/relay.py LISTEN_PORT TARGET_PORT MILLISECONDS

A new connection costs a round trip more.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

CHUNK = 65536


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, ready: float
) -> None:
    """Pass bytes on, each chunk when its time has come; none before `ready`."""
    clock = asyncio.get_running_loop().time
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def receive() -> None:
        chunk = b"?"
        while chunk:
            with contextlib.suppress(OSError):
                chunk = await reader.read(CHUNK)
            await due.put((max(clock(), ready) + delay, chunk))

    receiving = asyncio.create_task(receive())
    with contextlib.suppress(OSError):
        while True:
            at, chunk = await due.get()
            await asyncio.sleep(max(at - clock(), 0))
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
    receiving.cancel()
    writer.close()


async def main(listen: int, target: int, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = asyncio.get_running_loop().time() + 2 * delay
        there = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pump(reader, there[1], delay, ready), pump(there[0], writer, delay, ready))

    server = await asyncio.start_server(connected, "127.0.0.1", listen)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
