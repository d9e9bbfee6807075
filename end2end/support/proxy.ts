// A network that fails: a TCP proxy in front of one server, in this process. What it does to the bytes that go
// through is said by a test, or by a schedule that one number makes: the same seed, the same faults.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server as TcpServer, type Socket } from "node:net";

/** What the network does at the moment, to the connections that there are and to new ones. */
export type Fault =
  | { kind: "none" }
  /** Every byte is late by this much, in both directions. */
  | { kind: "delay"; ms: number }
  /** Connections are reset, new ones are refused. */
  | { kind: "drop" }
  /**
   * Connections stay open and carry nothing, new ones are taken and not answered. When it ends they are cut, or,
   * `forGood`, say nothing for ever: a router forgot them.
   */
  | { kind: "half-open"; forGood?: boolean }
  /** Each connection carries this many bytes more from the server and is cut then, in the middle of a frame. */
  | { kind: "truncate"; bytes: number };

export class Proxy {
  private fault: Fault = { kind: "none" };
  /** Whether requests to become a WebSocket are answered with 502, as some proxies do. */
  refusesUpgrades = false;
  private readonly links = new Set<Link>();

  private constructor(
    private readonly listener: TcpServer,
    private readonly target: number,
  ) {
    listener.on("connection", (client) => this.accept(client));
  }

  static async before(target: number): Promise<Proxy> {
    const listener = createServer({ pauseOnConnect: true });
    const proxy = new Proxy(listener, target);
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** Changes the network, for the connections that there are, too. */
  set(fault: Fault): void {
    const before = this.fault;
    this.fault = fault;
    for (const link of this.links) {
      // A connection that hung does not come back to life: a phone that changed its network has another address.
      if (before.kind === "half-open" && !before.forGood) link.cut();
      else link.suffer(fault);
    }
  }

  async close(): Promise<void> {
    for (const link of this.links) link.cut();
    this.listener.close();
    await once(this.listener, "close");
  }

  private accept(client: Socket): void {
    client.on("error", () => {});
    if (this.fault.kind === "drop") {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect(this.target, "127.0.0.1"), () => this.refusesUpgrades);
    this.links.add(link);
    client.on("close", () => this.links.delete(link));
    link.suffer(this.fault);
    client.resume();
  }
}

/** One connection: a browser's and, behind it, the server's. */
class Link {
  private fault: Fault = { kind: "none" };
  /** Bytes that still come through from the server before the cut. */
  private left = Infinity;
  private readonly up: Pipe;
  private readonly down: Pipe;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    refusesUpgrades: () => boolean,
  ) {
    this.up = new Pipe(server);
    this.down = new Pipe(client);
    server.on("error", () => client.resetAndDestroy());
    client.on("data", (bytes: Buffer) => {
      if (refusesUpgrades() && isUpgrade(bytes)) this.refuse();
      else this.carry(this.up, bytes);
    });
    server.on("data", (bytes: Buffer) => {
      const part = bytes.subarray(0, this.left);
      this.left -= part.length;
      this.carry(this.down, part);
      if (this.left === 0) this.cut();
    });
    // What is half-open says nothing of an end either.
    client.on("close", () => this.fault.kind !== "half-open" && server.destroy());
    server.on("close", () => this.fault.kind !== "half-open" && this.down.end());
  }

  suffer(fault: Fault): void {
    if (this.fault.kind === "half-open") return;
    this.fault = fault;
    this.left = fault.kind === "truncate" ? fault.bytes : Infinity;
    if (fault.kind === "drop" || this.left === 0) this.cut();
  }

  cut(): void {
    this.up.forget();
    this.down.forget();
    this.client.resetAndDestroy();
    this.server.destroy();
  }

  private carry(pipe: Pipe, bytes: Buffer): void {
    if (this.fault.kind !== "half-open") pipe.push(bytes, this.fault.kind === "delay" ? this.fault.ms : 0);
  }

  private refuse(): void {
    this.client.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    this.server.destroy();
  }
}

/** One direction: what comes later leaves later, also when the delay changes in between. */
class Pipe {
  private readonly queue: { bytes: Buffer | undefined; at: number }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly to: Socket) {}

  push(bytes: Buffer | undefined, delayMs: number): void {
    const last = this.queue.at(-1)?.at ?? 0;
    this.queue.push({ bytes, at: Math.max(last, Date.now() + delayMs) });
    this.drain();
  }

  end(): void {
    this.push(undefined, 0);
  }

  forget(): void {
    clearTimeout(this.timer);
    this.queue.length = 0;
  }

  private drain(): void {
    clearTimeout(this.timer);
    while (this.queue.length > 0 && this.queue[0]!.at <= Date.now()) {
      const { bytes } = this.queue.shift()!;
      if (this.to.destroyed) continue;
      if (bytes) this.to.write(bytes);
      else this.to.end();
    }
    if (this.queue.length > 0) this.timer = setTimeout(() => this.drain(), Math.max(1, this.queue[0]!.at - Date.now()));
  }
}

function isUpgrade(bytes: Buffer): boolean {
  const head = bytes.toString("latin1");
  return head.startsWith("GET ") && /\r\nupgrade: *websocket\r\n/i.test(head);
}

/** Numbers from a seed: mulberry32, a well-known small generator. Each call gives one of [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The network is well for a while, then it fails for a while. */
export type Step = { wellMs: number; fault: Fault; forMs: number };

/** What the network does in one run: drops of two seconds mostly, as on a train. */
export function schedule(seed: number, steps: number): Step[] {
  const random = randomFrom(seed);
  return Array.from({ length: steps }, () => {
    const [dice, size, pause] = [random(), random(), random()];
    const fault: Fault =
      dice < 0.5
        ? { kind: "drop" }
        : dice < 0.7
          ? { kind: "half-open" }
          : dice < 0.9
            ? { kind: "truncate", bytes: Math.floor(size * 4_000) }
            : { kind: "delay", ms: Math.floor(size * 400) };
    return { wellMs: 300 + Math.floor(pause * 1_200), fault, forMs: 2_000 };
  });
}
