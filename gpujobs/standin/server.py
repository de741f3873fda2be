"""ComfyUI 0.2.4's HTTP routes. Every route is there a second time under /api."""

import hashlib
import io
import mimetypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from aiohttp import web
from PIL import Image

from .faults import Faults
from .folders import Folders
from .process import Process

MAX_UPLOAD = 100 * 1024 * 1024
MODEL_FOLDERS = {
    "checkpoints": ("CheckpointLoaderSimple", "ckpt_name"),
    "loras": ("LoraLoader", "lora_name"),
    "vae": ("VAELoader", "vae_name"),
    "clip": ("CLIPLoader", "clip_name"),
    "diffusion_models": ("UNETLoader", "unet_name"),
    "clip_vision": ("CLIPVisionLoader", "clip_name"),
    "controlnet": ("ControlNetLoader", "control_net_name"),
    "upscale_models": ("UpscaleModelLoader", "model_name"),
}
# Every kind that 0.2.4 lists, in its order; those without a loader among our nodes are empty here.
MODEL_KINDS = (
    *("checkpoints", "configs", "loras", "vae", "clip", "diffusion_models", "clip_vision", "style_models"),
    *("embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models", "custom_nodes"),
    *("hypernetworks", "photomaker", "classifiers"),
)

PROCESS = web.AppKey("process", Process)


def application(
    process: Process, web_root: Path, middleware: Any, further_routes: Iterable[web.AbstractRouteDef] = ()
) -> web.Application:
    app = web.Application(client_max_size=MAX_UPLOAD, middlewares=[middleware, own_origin_only])
    app[PROCESS] = process
    for prefix in ("", "/api"):
        app.add_routes(
            [
                web.get(f"{prefix}/ws", websocket),
                web.post(f"{prefix}/upload/image", upload_image),
                web.get(f"{prefix}/view", view),
                web.get(f"{prefix}/prompt", get_prompt),
                web.post(f"{prefix}/prompt", post_prompt),
                web.get(f"{prefix}/queue", get_queue),
                web.post(f"{prefix}/queue", post_queue),
                web.post(f"{prefix}/interrupt", interrupt),
                web.post(f"{prefix}/free", free),
                web.get(f"{prefix}/history", get_history),
                web.get(f"{prefix}/history/{{prompt_id}}", get_one_history),
                web.post(f"{prefix}/history", post_history),
                web.get(f"{prefix}/object_info", get_object_info),
                web.get(f"{prefix}/object_info/{{name}}", get_one_object_info),
                web.get(f"{prefix}/system_stats", system_stats),
                web.get(f"{prefix}/embeddings", embeddings),
                web.get(f"{prefix}/extensions", extensions),
                web.get(f"{prefix}/models", models),
                web.get(f"{prefix}/models/{{folder}}", models_in),
                web.get(f"{prefix}/users", users),
                web.get(f"{prefix}/settings", settings),
                web.get(f"{prefix}/view_metadata/{{folder}}", no_metadata),
            ]
        )
    app.add_routes(further_routes)
    # The web page's folder answers unknown paths; here it is empty.
    web_root.mkdir(parents=True, exist_ok=True)
    app.add_routes([web.static("/", web_root)])
    return app


def _process(request: web.Request) -> Process:
    return request.app[PROCESS]


def _folders(request: web.Request) -> Folders:
    return _process(request).folders


def _faults(request: web.Request) -> Faults:
    return _process(request).faults


@web.middleware
async def own_origin_only(request: web.Request, handler: Any) -> web.StreamResponse:
    """A page of another host may not talk to a ComfyUI on loopback."""
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin", "")
    if host and origin:
        host_parts, origin_parts = urlparse(f"//{host.lower()}"), urlparse(origin.lower())
        is_loopback = host_parts.hostname in {"127.0.0.1", "localhost", "::1"}
        same_port = None in (host_parts.port, origin_parts.port) or host_parts.port == origin_parts.port
        if is_loopback and not (host_parts.hostname == origin_parts.hostname and same_port):
            return web.Response(status=403)
    response: web.StreamResponse = await handler(request)
    return response


async def websocket(request: web.Request) -> web.WebSocketResponse:
    process = _process(request)
    client_id = request.query.get("clientId") or os.urandom(16).hex()
    executor = process.executor
    is_running = executor.client_id == client_id and executor.last_node_id is not None
    running = {"node": executor.last_node_id} if is_running else None
    return await process.sockets.serve(request, client_id, {"status": process.queue_info()}, running)


async def upload_image(request: web.Request) -> web.Response:
    """Takes any bytes. A name in use by other bytes is changed: the answer says to what.

    A type that ComfyUI does not know, a folder in the name or an empty name end in its 500.
    """
    form = await request.post()
    kind = form.get("type", "input")
    base = _folders(request).of_type(str(kind))
    if base is None:
        raise ValueError("no folder of this type")
    image = form.get("image")
    if image is None:
        return web.Response(status=400)
    if not isinstance(image, web.FileField):
        raise TypeError("the image field carries no file")
    subfolder = str(form.get("subfolder", ""))
    folder = base / os.path.normpath(subfolder)
    path = Path(os.path.normpath(folder / image.filename))
    if base not in path.parents:
        return web.Response(status=400)
    folder.mkdir(parents=True, exist_ok=True)
    data = image.file.read()
    if form.get("overwrite") not in {"true", "1"}:
        path = _free_name(path, data)
    if _faults(request).take("upload_disk_full"):
        path.write_bytes(data[: len(data) // 2])
        raise OSError("No space left on device")
    path.write_bytes(data)
    # The name is given back as it came, however odd, unless a number was added to it.
    name = image.filename if path.name == Path(image.filename).name else path.name
    return web.json_response({"name": name, "subfolder": subfolder, "type": kind})


def _free_name(wanted: Path, data: bytes) -> Path:
    digest = hashlib.sha256(data).digest()
    path, number = wanted, 1
    while path.exists() and hashlib.sha256(path.read_bytes()).digest() != digest:
        path = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
        number += 1
    return path


async def view(request: web.Request) -> web.StreamResponse:
    if "filename" not in request.query:
        return web.Response(status=404)
    filename, base = _folders(request).annotated(request.query["filename"])
    if filename.startswith("/") or ".." in filename:
        return web.Response(status=400)
    base = base or _folders(request).of_type(request.query.get("type", "output"))
    if base is None:
        return web.Response(status=400)
    folder = Path(os.path.normpath(base / request.query.get("subfolder", "")))
    if folder != base and base not in folder.parents:
        return web.Response(status=403)
    path = folder / Path(filename).name
    if not path.is_file():
        return web.Response(status=404)
    disposition = {"Content-Disposition": f'filename="{path.name}"'}
    if "preview" in request.query:
        body, content_type = _as_preview(path, request.query["preview"])
        return web.Response(body=body, content_type=content_type, headers=disposition)
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return web.FileResponse(path, headers={**disposition, "Content-Type": content_type})


def _as_preview(path: Path, wanted: str) -> tuple[bytes, str]:
    """'webp;50' or 'jpeg;80'; anything else becomes WebP."""
    kind, _, quality = wanted.partition(";")
    kind = kind if kind in {"webp", "jpeg"} else "webp"
    packed = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").save(packed, kind, quality=int(quality) if quality.isdigit() else 90)
    return packed.getvalue(), f"image/{kind}"


async def get_prompt(request: web.Request) -> web.Response:
    return web.json_response(_process(request).queue_info())


async def post_prompt(request: web.Request) -> web.Response:
    process = _process(request)
    body = await request.json()
    number = process.next_number(body)
    if "prompt" not in body:
        return web.json_response({"error": "no prompt", "node_errors": []}, status=400)
    verdict = process.judge(body["prompt"])
    if verdict.error is not None:
        return web.json_response({"error": verdict.error, "node_errors": verdict.node_errors}, status=400)
    prompt_id = process.enqueue(number, body, verdict.outputs)
    if process.faults.take("lose_prompt_answers") and request.transport is not None:
        request.transport.abort()
    return web.json_response({"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors})


async def get_queue(request: web.Request) -> web.Response:
    running, waiting = _process(request).queue.snapshot()
    return web.json_response({"queue_running": running, "queue_pending": waiting})


async def post_queue(request: web.Request) -> web.Response:
    body = await request.json()
    queue = _process(request).queue
    if body.get("clear"):
        queue.clear()
    for prompt_id in body.get("delete", []):
        queue.delete(prompt_id)
    return web.Response()


async def interrupt(request: web.Request) -> web.Response:
    """Takes no id: it hits whatever runs."""
    _process(request).executor.interrupted.set()
    return web.Response()


async def free(request: web.Request) -> web.Response:
    body = await request.json()
    if body.get("free_memory") or body.get("unload_models"):
        _process(request).executor.free_memory.set()
    return web.Response()


async def get_history(request: web.Request) -> web.Response:
    wanted = request.query.get("max_items")
    return web.json_response(_process(request).queue.history(max_items=int(wanted) if wanted else None))


async def get_one_history(request: web.Request) -> web.Response:
    return web.json_response(_process(request).queue.history(request.match_info["prompt_id"]))


async def post_history(request: web.Request) -> web.Response:
    body = await request.json()
    queue = _process(request).queue
    if body.get("clear"):
        queue.clear_history()
    for prompt_id in body.get("delete", []):
        queue.delete_history(prompt_id)
    return web.Response()


async def get_object_info(request: web.Request) -> web.Response:
    process = _process(request)
    return web.json_response(process.facts.all_object_info(process.folders.input_names()))


async def get_one_object_info(request: web.Request) -> web.Response:
    process, name = _process(request), request.match_info["name"]
    if name not in process.facts:
        return web.json_response({})
    return web.json_response({name: process.facts.object_info(name, process.folders.input_names())})


async def system_stats(request: web.Request) -> web.Response:
    return web.json_response(_process(request).system_stats())


async def embeddings(request: web.Request) -> web.Response:
    return web.json_response([])


async def extensions(request: web.Request) -> web.Response:
    return web.json_response([])


async def models(request: web.Request) -> web.Response:
    return web.json_response(list(MODEL_KINDS))


async def models_in(request: web.Request) -> web.Response:
    folder = request.match_info["folder"]
    if folder not in MODEL_KINDS:
        return web.Response(status=404)
    if folder not in MODEL_FOLDERS:
        return web.json_response([])
    return web.json_response(_process(request).facts.models(*MODEL_FOLDERS[folder]))


async def users(request: web.Request) -> web.Response:
    return web.json_response({"storage": "server", "migrated": True})


async def settings(request: web.Request) -> web.Response:
    return web.json_response({})


async def no_metadata(request: web.Request) -> web.Response:
    return web.Response(status=404)
