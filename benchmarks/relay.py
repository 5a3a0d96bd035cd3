"""A TCP relay that delays each direction, as distance does.

    python benchmarks/relay.py LISTEN_PORT TARGET_PORT --delay 50 --jitter 0

Delay and jitter are milliseconds a direction. The jitter is drawn anew for each chunk of bytes, evenly from
0 to its maximum; within a connection the order stays, as in TCP. A new connection costs a round trip more.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random

CHUNK = 65536


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, jitter: float, ready: float
) -> None:
    """Pass bytes on, each chunk when its time has come; none before `ready`."""
    clock = asyncio.get_running_loop().time
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def receive() -> None:
        latest = ready
        chunk = b"?"
        while chunk:
            with contextlib.suppress(OSError):
                chunk = await reader.read(CHUNK)
            latest = max(latest, clock() + delay + random.uniform(0, jitter))
            due.put_nowait((latest, chunk))

    receiving = asyncio.create_task(receive())
    try:
        while True:
            at, chunk = await due.get()
            await asyncio.sleep(at - clock())
            if not chunk:
                return
            writer.write(chunk)
            await writer.drain()
    except OSError:
        pass
    finally:
        receiving.cancel()
        writer.close()


async def relay(listen: int, target: int, delay: float, jitter: float) -> None:
    """Relay connections to 127.0.0.1:`listen` on to `target`; delay and jitter in seconds."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = asyncio.get_running_loop().time() + 3 * delay  # the handshake's round trip, then the way
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            pump(reader, up_writer, delay, jitter, ready), pump(up_reader, writer, delay, jitter, 0)
        )

    server = await asyncio.start_server(connect, "127.0.0.1", listen)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("listen", type=int)
    parser.add_argument("target", type=int)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--jitter", type=float, default=0)
    options = parser.parse_args()
    asyncio.run(relay(options.listen, options.target, options.delay / 1000, options.jitter / 1000))


if __name__ == "__main__":
    main()
