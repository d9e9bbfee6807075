// A WebSocket for tests outside of a browser: text frames over a real connection, pings answered, nothing else.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export class WebSocket {
  private rest: Buffer = Buffer.alloc(0);
  private readonly early: string[] = [];
  private hear: ((text: string) => void) | undefined;

  private constructor(private readonly tcp: Socket, head: Buffer) {
    tcp.on("data", (data) => this.read(data));
    tcp.on("error", () => {});
    this.read(head);
  }

  static async open(url: string): Promise<WebSocket> {
    const key = randomBytes(16).toString("base64");
    const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": key };
    const asked = request(url, { headers });
    asked.end();
    const [, tcp, head] = (await once(asked, "upgrade")) as [IncomingMessage, Socket, Buffer];
    return new WebSocket(tcp, head);
  }

  /** Each text frame, from the first on. */
  onText(hear: (text: string) => void): void {
    this.hear = hear;
    for (const text of this.early.splice(0)) hear(text);
  }

  send(text: string): void {
    this.write(TEXT, Buffer.from(text));
  }

  close(): void {
    this.tcp.destroy();
  }

  private write(opcode: number, payload: Buffer): void {
    const length = payload.length < 126 ? [payload.length | 0x80] : [126 | 0x80, payload.length >> 8, payload.length & 0xff];
    const mask = randomBytes(4);
    const masked = payload.map((byte, at) => byte ^ mask[at % 4]!);
    this.tcp.write(Buffer.concat([Buffer.from([0x80 | opcode, ...length]), mask, masked]));
  }

  private read(data: Buffer): void {
    this.rest = Buffer.concat([this.rest, data]);
    for (;;) {
      if (this.rest.length < 2) return;
      const short = this.rest[1]! & 0x7f;
      const from = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (this.rest.length < from) return;
      const length = short < 126 ? short : short === 126 ? this.rest.readUInt16BE(2) : Number(this.rest.readBigUInt64BE(2));
      if (this.rest.length < from + length) return;
      const [opcode, payload] = [this.rest[0]! & 0x0f, this.rest.subarray(from, from + length)];
      this.rest = this.rest.subarray(from + length);
      this.took(opcode, payload);
    }
  }

  private took(opcode: number, payload: Buffer): void {
    if (opcode === PING) this.write(PONG, payload);
    if (opcode === CLOSE) this.tcp.end();
    if (opcode !== TEXT) return;
    if (this.hear) this.hear(payload.toString());
    else this.early.push(payload.toString());
  }
}
