// A browser whose data outlives it: closed and opened again as the same person's.

import { chromium, type BrowserContext, type LaunchOptions, type Page } from "@playwright/test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

export class Profile {
  private context: BrowserContext | undefined;

  private constructor(
    private readonly dir: string,
    private readonly launch: LaunchOptions,
    private readonly url: string,
    private readonly watch: (context: BrowserContext) => void,
  ) {}

  static async make(launch: LaunchOptions, url: string, watch: (context: BrowserContext) => void): Promise<Profile> {
    return new Profile(await mkdtemp(path.join(tmpdir(), "magpie-profile-")), launch, url, watch);
  }

  /** A new tab, in the browser that is open or in one opened for it. */
  async page(): Promise<Page> {
    if (!this.context) {
      this.context = await chromium.launchPersistentContext(this.dir, {
        ...this.launch,
        baseURL: this.url,
        locale: "en-GB",
        timezoneId: "UTC",
        viewport: { width: 1280, height: 800 },
      });
      this.watch(this.context);
    }
    return this.context.newPage();
  }

  /** Ends the browser with everything in it; its data stays. */
  async close(): Promise<void> {
    await this.context?.close();
    this.context = undefined;
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}
