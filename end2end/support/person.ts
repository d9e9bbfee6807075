// Somebody with an account, a signed-in browser, and what people do: by roles and names alone, as a screen reader
// finds them. What a test only needs as its beginning is made through the HTTP API, by the same browser's cookie.

import { expect, type APIResponse, type Locator, type Page } from "@playwright/test";

export const PASSWORD = "correct horse battery";
/** A browser compiles the app for each new context, which takes longer where a machine is busy or the build is for debugging. */
const CONNECT_MS = Number(process.env.MAGPIE_CONNECT_MS ?? 15_000);

export class Person {
  constructor(
    readonly page: Page,
    readonly name: string,
    readonly url: string,
  ) {}

  static async register(page: Page, name: string, url: string): Promise<Person> {
    const person = new Person(page, name, url);
    await person.api("post", "/auth/register", { username: name, password: PASSWORD });
    return person;
  }

  /** The same person in another tab, or on another device. */
  on(page: Page): Person {
    return new Person(page, this.name, this.url);
  }

  /** One call of `/api/v1`, as this browser would make it; anything but 2xx fails the test. */
  async api(method: "get" | "post" | "delete", path: string, data?: unknown): Promise<APIResponse> {
    const answer = await this.page.request[method](`${this.url}/api/v1${path}`, { data, headers: { Origin: this.url } });
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
    return answer;
  }

  /** A new conversation with these members; returns its id. */
  async conversation(title: string, options: { members?: Person[]; agents?: boolean } = {}): Promise<string> {
    const members = (options.members ?? []).map((member) => member.name);
    const answer = await this.api("post", "/conversations", { title, members, agents: options.agents ?? false });
    return (await answer.json()).id;
  }

  async post(conversation: string, message: string): Promise<void> {
    await this.api("post", `/conversations/${conversation}/messages`, { client_id: crypto.randomUUID(), message });
  }

  async open(conversation: string): Promise<void> {
    await this.page.goto(`/c/${conversation}`);
  }

  /** Opens a conversation and waits until the page is alive. */
  async openLive(conversation: string): Promise<void> {
    await this.open(conversation);
    await this.connected();
  }

  async connected(): Promise<void> {
    await expect(this.connection).toHaveText("Connected", { timeout: CONNECT_MS });
  }

  get connection(): Locator {
    return this.page.getByRole("status", { name: "Connection" });
  }

  get typing(): Locator {
    return this.page.getByRole("status", { name: "Typing" });
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: "Message", exact: true });
  }

  get log(): Locator {
    return this.page.getByRole("log", { name: "Messages" });
  }

  get timeline(): Locator {
    return this.page.getByRole("region", { name: "Agent timeline" });
  }

  get list(): Locator {
    return this.page.getByRole("navigation", { name: "Conversations" });
  }

  /** The messages that show this text. */
  message(text: string | RegExp): Locator {
    return this.log.getByRole("article").filter({ hasText: text });
  }

  async send(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.page.getByRole("button", { name: "Send" }).click();
  }

  /** Sends and waits for the server's word that it is kept. */
  async sendAndSee(text: string): Promise<void> {
    await this.send(text);
    await expect(this.message(text)).toHaveAttribute("data-state", "sent");
  }

  /** The texts of the thread, in order. */
  async texts(): Promise<string[]> {
    return this.log.getByRole("article").allInnerTexts();
  }

  async signIn(): Promise<void> {
    await this.page.getByRole("textbox", { name: "Username" }).fill(this.name);
    await this.page.getByLabel("Password").fill(PASSWORD);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }
}
