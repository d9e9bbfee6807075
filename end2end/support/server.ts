// A real server in a process of its own, on a free port and an empty data directory. It can be killed as a power
// cut would, and started again on the same port and data.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** What browsers download, as it was built. */
export const site = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../target/site");
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = path.resolve(root, process.env.MAGPIE_BIN ?? "target/release/magpie");
const START_MS = 20_000;

export class Server {
  private process: ChildProcess | undefined;
  /** What the server wrote, for the report of a test that failed. */
  log = "";

  private constructor(
    readonly port: number,
    readonly dataDir: string,
    private readonly env: Record<string, string>,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  static async start(env: Record<string, string> = {}): Promise<Server> {
    const server = new Server(await freePort(), await mkdtemp(path.join(tmpdir(), "magpie-e2e-")), env);
    await server.restart();
    return server;
  }

  /** Starts it (again) on its port and data; returns when it is ready. */
  async restart(): Promise<void> {
    const { MAGPIE_LLM_PROVIDER: _, ...env } = process.env;
    const child = spawn(binary, [], {
      cwd: root,
      env: { ...env, MAGPIE_ADDR: `127.0.0.1:${this.port}`, MAGPIE_DATA_DIR: this.dataDir, ...this.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    child.stdout!.on("data", (text) => (this.log += text));
    child.stderr!.on("data", (text) => (this.log += text));
    await this.ready(child);
  }

  /** kill -9: no goodbye to anyone, nothing flushed. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Ends it as an operator would who means to start it again. */
  async drain(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Ends it as an operator would, and removes its data. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
    await rm(this.dataDir, { recursive: true, force: true });
  }

  private async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  private async ready(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      const answer = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`the server did not become ready:\n${this.log}`);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
