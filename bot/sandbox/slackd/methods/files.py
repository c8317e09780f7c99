"""files.*: the two halves of an external upload."""

from __future__ import annotations

from typing import Final

from bot.sandbox.slackd.calls import Args
from bot.sandbox.slackd.methods.chat import writable
from bot.sandbox.slackd.methods.method import Method
from bot.sandbox.slackd.parts import Parts
from bot.sandbox.slackd.refusal import JSON, Refusal
from bot.sandbox.slackd.uploads import public_file


def upload_url(parts: Parts, args: Args) -> JSON:
    length = args.number("length", 0)
    token, file = parts.uploads.begin(args.need("filename"), length, args.get("alt_txt"))
    return {"upload_url": f"{parts.base_url}/upload/{token}", "file_id": file.id}


def complete(parts: Parts, args: Args) -> JSON:
    wanted = args.structure("files")
    if not isinstance(wanted, list) or not all(isinstance(w, dict) for w in wanted) or not wanted:
        raise Refusal("invalid_arguments", "missing required field: files")
    files = [parts.uploads.complete(str(w.get("id")), str(w.get("title") or "")) for w in wanted]
    names = args.get("channel_id") or args.get("channels")
    for name in filter(None, names.split(",")):
        channel = writable(parts, name, public=False)
        body = {"text": args.get("initial_comment"), "thread_ts": args.get("thread_ts")}
        message = parts.world.from_app(channel.id, body)
        message.files = [file.id for file in files]
    return {"files": [public_file(file, parts.base_url) for file in files]}


FILES: Final = {
    "files.getUploadURLExternal": Method(upload_url, "files:write", tier=4),
    "files.completeUploadExternal": Method(complete, "files:write", tier=4),
}
