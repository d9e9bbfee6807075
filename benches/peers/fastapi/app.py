"""The connection manager that FastAPI's users write: a set of sockets per room, one send after the other.

Speaks the wire of docs/protocol.md as far as the load generator does. Nothing is stored: the ack only says that
the frame was handed on.
"""

import os
import secrets
from collections import defaultdict
from datetime import datetime, timezone

import jwt
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

SECRET = os.environ["PEER_SECRET"]
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

app = FastAPI()


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fresh_id() -> str:
    return "01K" + "".join(ALPHABET[byte & 31] for byte in secrets.token_bytes(23))


class ConnectionManager:
    def __init__(self) -> None:
        self.rooms: dict[str, set[WebSocket]] = defaultdict(set)
        self.seqs: dict[str, int] = defaultdict(int)

    def join(self, room: str, websocket: WebSocket) -> None:
        self.rooms[room].add(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        for members in self.rooms.values():
            members.discard(websocket)

    async def broadcast(self, room: str, frame: dict, except_for: WebSocket | None = None) -> None:
        for websocket in list(self.rooms[room]):
            if websocket is except_for:
                continue
            try:
                await websocket.send_json(frame)
            except (WebSocketDisconnect, RuntimeError):
                self.rooms[room].discard(websocket)


manager = ConnectionManager()


class Session:
    def __init__(self, websocket: WebSocket, user: dict) -> None:
        self.websocket = websocket
        self.user = user
        self.typing = False

    async def run(self) -> None:
        await self.websocket.send_json(
            {
                "type": "status",
                "status": "connected",
                "message": "Welcome.",
                "timestamp": now(),
                "connection_id": fresh_id(),
                "user": self.user,
                "protocol": "magpie.v1",
                "heartbeat_ms": 25000,
                "typing": {"resend_ms": 3000, "stop_ms": 5000, "expire_ms": 7000},
            }
        )
        while True:
            frame = await self.websocket.receive_json()
            await getattr(self, "on_" + frame["type"])(frame.get("payload", {}))

    async def on_subscribe(self, payload: dict) -> None:
        for cursor in payload["conversations"]:
            manager.join(cursor["id"], self.websocket)
            await self.websocket.send_json(
                {
                    "type": "subscribed",
                    "conversation_id": cursor["id"],
                    "mode": "current",
                    "head": manager.seqs[cursor["id"]],
                    "typing": [],
                    "presence": [],
                    "reads": [],
                    "streams": [],
                }
            )

    async def on_typing_start(self, payload: dict) -> None:
        self.typing = True
        await self.tell_typing("typing_start", payload["conversation_id"])

    async def tell_typing(self, kind: str, room: str) -> None:
        frame = {"type": kind, "conversation_id": room, "user": self.user}
        await manager.broadcast(room, frame, except_for=self.websocket)

    async def on_chat(self, payload: dict) -> None:
        room, message_id, timestamp = payload["conversation_id"], fresh_id(), now()
        manager.seqs[room] += 1
        seq = manager.seqs[room]
        await manager.broadcast(
            room,
            {
                "conversation_id": room,
                "seq": seq,
                "timestamp": timestamp,
                "type": "message",
                "id": message_id,
                "sender": "user",
                "author": self.user,
                "text": payload["message"],
                "format": "markdown",
                "client_id": payload["client_id"],
                "visibility": "public",
            },
        )
        await self.websocket.send_json(
            {
                "type": "ack",
                "conversation_id": room,
                "seq": seq,
                "client_id": payload["client_id"],
                "message_id": message_id,
                "timestamp": timestamp,
                "duplicate": False,
            }
        )
        if self.typing:
            self.typing = False
            await self.tell_typing("typing_stop", room)


@app.websocket("/ws")
async def endpoint(websocket: WebSocket, token: str) -> None:
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        await websocket.close(code=4401)
        return
    await websocket.accept()
    try:
        await Session(websocket, {"id": claims["sub"], "name": claims["name"]}).run()
    except WebSocketDisconnect:
        pass
    finally:
        manager.disconnect(websocket)
