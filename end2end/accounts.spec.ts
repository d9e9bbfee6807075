import { expect, freshName, Person, test } from "./support/test.ts";
import { PASSWORD } from "./support/person.ts";

// A refused form comes back with an error status, which Chromium writes to its console.
const REFUSED = /Failed to load resource: the server responded with a status of 4(01|03|09|22)/;

test("an account is made, left and entered again @plain", async ({ stranger }) => {
  const page = await stranger();
  await page.goto("/");
  await expect(page).toHaveURL(/\/login(\?|$)/);
  const name = freshName("ben");
  await page.getByRole("textbox", { name: "Username" }).fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("navigation", { name: "Conversations" })).toBeVisible();
  await expect(page).toHaveURL(/\/$/);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto("/");
  await expect(page).toHaveURL(/\/login/);

  await page.getByRole("textbox", { name: "Username" }).fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("navigation", { name: "Conversations" })).toBeVisible();
});

test("a wrong password and an unknown name are told in the same words @plain", async ({ stranger, person, allowInConsole }) => {
  allowInConsole(REFUSED);
  const known = await person();
  const page = await stranger();
  const said: string[] = [];
  for (const name of [known.name, freshName("nobody")]) {
    await page.goto("/login");
    await page.getByRole("textbox", { name: "Username" }).fill(name);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toContainText(/wrong|password/i);
    said.push(await page.getByRole("alert").innerText());
    await expect(page).toHaveURL(/\/login/);
  }
  expect(said[0]).toBe(said[1]);
});

test("a name that is taken and a password that is too short are told @plain", async ({ stranger, person, allowInConsole }) => {
  allowInConsole(REFUSED);
  const known = await person();
  const page = await stranger();
  await page.goto("/login");
  await page.getByRole("textbox", { name: "Username" }).fill(known.name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText(/taken/i);

  await page.getByRole("textbox", { name: "Username" }).fill(freshName("short"));
  await page.getByLabel("Password").fill("1234567");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("alert")).toContainText(/8|short/i);
});

test("after signing in one is where one wanted to go @plain", async ({ stranger, person, server }) => {
  const anna = await person();
  const id = await anna.conversation("Garden");
  const page = await stranger();
  await page.goto(`/c/${id}`);
  await expect(page).toHaveURL(new RegExp(`/login\\?next=${encodeURIComponent(`/c/${id}`)}|/login\\?next=/c/${id}`));
  await new Person(page, anna.name, server.url).signIn();
  await expect(page).toHaveURL(`${server.url}/c/${id}`);
  await expect(page.getByRole("log", { name: "Messages" })).toBeVisible();
});

test("signing in never leads to another site @plain", async ({ stranger, person, server }) => {
  const anna = await person();
  for (const next of ["https://example.com/", "//example.com", "/\\example.com", "javascript:alert(1)"]) {
    const page = await stranger();
    await page.goto(`/login?next=${encodeURIComponent(next)}`);
    await new Person(page, anna.name, server.url).signIn();
    await expect(page.getByRole("navigation", { name: "Conversations" })).toBeVisible();
    expect(new URL(page.url()).origin).toBe(server.url);
    await page.context().close();
  }
});

test.describe(() => {
  // About once in twenty times the renderer of the other tab crashes here ("Page crashed", Chromium 156): not
  // understood yet. A second try tells that from a tab that stays.
  test.describe.configure({ retries: 1 });

  test("signing out ends the other tab, too", async ({ person }) => {
    const anna = await person();
    const id = await anna.conversation("Garden");
    await anna.openLive(id);
    const other = await anna.page.context().newPage();
    await other.goto("/");
    await other.getByRole("button", { name: "Sign out" }).click();
    await expect(other).toHaveURL(/\/login/);
    await expect(anna.page).toHaveURL(/\/login/);
  });
});
