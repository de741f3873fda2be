"""/standin/faults, /standin/ledger, /standin/requests: how a test breaks an instance, reads what its GPU did and what
it was asked. Off by default."""

from typing import TYPE_CHECKING

from aiohttp import web

from .faults import UnknownFaultError

if TYPE_CHECKING:
    from .instance import Instance

# Told by the same request, done once: {"restart": seconds down}, {"refuse": seconds}, {"drop_sockets": true},
# {"forget_sockets": true}, {"forget_history": true}.
DEEDS = {"restart", "refuse", "drop_sockets", "forget_sockets", "forget_history"}


def control_routes(instance: "Instance") -> list[web.RouteDef]:
    async def get_faults(request: web.Request) -> web.Response:
        return web.json_response(instance.faults.as_dict())

    async def post_faults(request: web.Request) -> web.Response:
        body = await request.json()
        try:
            instance.faults.set({name: value for name, value in body.items() if name not in DEEDS})
        except UnknownFaultError as unknown:
            return web.json_response({"error": f"unknown fault or wrong value: {unknown}"}, status=400)
        do_deeds(instance, body)
        return web.json_response(instance.faults.as_dict())

    async def ledger(request: web.Request) -> web.Response:
        return web.json_response(instance.ledger.entries())

    async def requests(request: web.Request) -> web.Response:
        return web.json_response(dict(instance.requests))

    return [
        web.get("/standin/faults", get_faults),
        web.post("/standin/faults", post_faults),
        web.get("/standin/ledger", ledger),
        web.get("/standin/requests", requests),
    ]


def do_deeds(instance: "Instance", body: dict[str, float]) -> None:
    process = instance.process
    if process is not None and body.get("drop_sockets"):
        process.sockets.drop()
    if process is not None and body.get("forget_sockets"):
        process.sockets.forget()
    if process is not None and body.get("forget_history"):
        process.queue.clear_history()
    if "restart" in body:
        instance.spawn(instance.arestart(float(body["restart"])))
    if "refuse" in body:
        instance.spawn(instance.arefuse(float(body["refuse"])))
