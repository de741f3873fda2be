"""A wire of some length: passes TCP on to a port of this machine, each byte so many milliseconds late, both ways.

    python -m benches.delay --to 22 --milliseconds 15       says the port it listens on, and runs until SIGTERM

Bytes are late, none is lost and none waits for room: a long wire, not a narrow one. Opening a connection takes no
time, which is kind to a client that opens many.
"""

import argparse
import asyncio
import signal
import socket
import sys


async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await late.get()
            if (ahead := due - loop.time()) > 0:
                await asyncio.sleep(ahead)
            if not data:
                break
            sink.write(data)
        sink.close()

    delivery = asyncio.create_task(deliver())
    try:
        while data := await source.read(1 << 18):
            late.put_nowait((loop.time() + seconds, data))
    except ConnectionError:
        sink.close()
    late.put_nowait((loop.time() + seconds, b""))
    await delivery


async def serve(port: int, seconds: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        for end in (writer, far_writer):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.gather(carry(reader, far_writer, seconds), carry(far_reader, writer, seconds))

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.delay")
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--milliseconds", type=float, required=True, help="one way")
    options = parser.parse_args()
    asyncio.run(serve(options.to, options.milliseconds / 1000))


if __name__ == "__main__":
    main()
