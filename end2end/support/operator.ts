// Operators in their panel.

import { expect, type Locator, type Page } from "@playwright/test";

import { PASSWORD, Person } from "./person.ts";
import type { Server } from "./server.ts";

/** What operators do, by roles and names. */
export class Operator extends Person {
  static of(person: Person): Operator {
    return new Operator(person.page, person.name, person.url);
  }

  tab(name: "Queue" | "Mine" | "AI" | "All"): Locator {
    return this.page.getByRole("tab", { name, exact: true });
  }

  line(name: string | RegExp): Locator {
    return this.page.getByRole("navigation", { name: "Dialogs" }).getByRole("link", { name });
  }

  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  get whose(): Locator {
    return this.page.getByRole("status", { name: "Whose it is" });
  }

  async openDialog(id: string): Promise<void> {
    await this.page.goto(`/operator/${id}`);
    await this.connected();
  }

  async openPanel(tab = ""): Promise<void> {
    await this.page.goto(`/operator${tab}`);
    await this.connected();
  }
}

/** The first account of a server is an admin, who is an operator, too; the second is made one. */
export async function operators(server: Server, stranger: (on?: { url: string }) => Promise<Page>, second = "ben"): Promise<[Operator, Operator]> {
  const root = await Person.register(await stranger(server), "anna", server.url);
  const ben = await Person.register(await stranger(server), second, server.url);
  const patched = await root.page.request.patch(`${server.url}/api/v1/users/${second}`, {
    data: { role: "operator" },
    headers: { Origin: server.url },
  });
  expect(patched.ok()).toBe(true);
  await ben.api("post", "/auth/login", { username: second, password: PASSWORD });
  return [Operator.of(root), Operator.of(ben)];
}
