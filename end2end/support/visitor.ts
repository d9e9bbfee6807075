// A visitor of a website, by the widget's own call and socket: what they send, and every frame that they get.

import { expect } from "@playwright/test";
import { WebSocket } from "./socket.ts";

export type Frame = { type: string; seq?: number; text?: string; epoch?: number; [field: string]: unknown };

export class Visitor {
  readonly frames: Frame[] = [];
  private epoch = 0;

  private constructor(
    private readonly socket: WebSocket,
    private readonly url: string,
    private readonly token: string,
    readonly dialog: string,
  ) {
    socket.onText((text) => {
      const frame = JSON.parse(text) as Frame;
      const control = (frame.type === "control" ? frame : frame.control) as { epoch?: number } | undefined;
      this.epoch = control?.epoch ?? this.epoch;
      this.frames.push(frame);
    });
  }

  static async open(url: string, name: string, page = "https://shop.example/cart"): Promise<Visitor> {
    const answer = await fetch(`${url}/api/v1/widget/sessions`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url },
      body: JSON.stringify({ site_id: "default", page, referrer: "https://search.example/", identity: { name } }),
    });
    expect(answer.status, await answer.clone().text()).toBe(200);
    const { token, dialog_id } = (await answer.json()) as { token: string; dialog_id: string };
    const socket = await WebSocket.open(`${url}/ws/widget/dialogs/${dialog_id}?token=${token}`);
    const visitor = new Visitor(socket, url, token, dialog_id);
    await visitor.hears((frame) => frame.type === "subscribed");
    return visitor;
  }

  /** Says something; returns when it is kept. */
  async say(text: string): Promise<void> {
    const answer = await fetch(`${this.url}/api/v1/conversations/${this.dialog}/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ client_id: crypto.randomUUID(), message: text }),
    });
    expect(answer.status).toBe(201);
  }

  /** The widget's button `Talk to a person`. */
  async askForPerson(): Promise<void> {
    this.send("control", { conversation_id: this.dialog, action: "request_human", epoch: this.epoch });
    await this.hears((frame) => frame.type === "control" && JSON.stringify(frame.owner).includes("queue"));
  }

  async type(): Promise<void> {
    this.send("typing_start", { conversation_id: this.dialog });
  }

  /** Waits for such a frame, one that came before included. */
  async hears(wanted: (frame: Frame) => boolean): Promise<void> {
    await expect.poll(() => this.frames.some(wanted), { timeout: 15_000 }).toBe(true);
  }

  close(): void {
    this.socket.close();
  }

  private send(type: string, payload: unknown): void {
    this.socket.send(JSON.stringify({ type, payload }));
  }
}
