import { expect, test } from "./support/test.ts";

test("a conversation is made, written in and found again @plain", async ({ person }) => {
  const anna = await person();
  await anna.page.goto("/");
  await anna.page.getByRole("button", { name: "New conversation" }).click();
  await anna.page.getByRole("textbox", { name: "Title" }).fill("Apple trees");
  await anna.page.getByRole("button", { name: "Create", exact: true }).click();
  await expect(anna.page).toHaveURL(/\/c\/[0-9A-HJKMNP-TV-Z]{26}$/);
  await expect(anna.list.getByRole("link", { name: /Apple trees/ })).toBeVisible();

  await anna.sendAndSee("The first one blooms.");
  await anna.send("And the **second**, too.");
  await expect(anna.message("And the second, too.")).toHaveAttribute("data-state", "sent");
  await anna.page.reload();
  // An answer that quotes it may stand below.
  await expect(anna.log.getByRole("article", { name: new RegExp(`^${anna.name}`) }).filter({ hasText: "The first one blooms." })).toHaveCount(1);
  await expect(anna.message("second").getByRole("strong")).toHaveText("second");
  const seqs = await anna.log.getByRole("article").evaluateAll((all) => all.map((one) => Number((one as HTMLElement).dataset.seq)));
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  expect(new Set(seqs).size).toBe(seqs.length);
});

test("a member is added, and then reads @plain", async ({ person, allowInConsole }) => {
  allowInConsole(/Failed to load resource: the server responded with a status of 404/);
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Plans");
  await anna.post(id, "Welcome, Ben.");
  expect((await ben.page.goto(`/c/${id}`))?.status()).toBe(404);

  await anna.open(id);
  await anna.page.getByRole("button", { name: "Add member" }).click();
  await anna.page.getByRole("textbox", { name: "Username" }).fill(ben.name);
  await anna.page.getByRole("button", { name: "Add", exact: true }).click();
  await expect.poll(async () => (await ben.page.request.get(`/api/v1/conversations/${id}`)).status()).toBe(200);
  await ben.open(id);
  await expect(ben.message("Welcome, Ben.")).toBeVisible();
});

test("who is named but unknown is told so @plain", async ({ person, allowInConsole }) => {
  allowInConsole(/Failed to load resource: the server responded with a status of 4/);
  const anna = await person();
  await anna.open(await anna.conversation("Plans"));
  await anna.page.getByRole("button", { name: "Add member" }).click();
  await anna.page.getByRole("textbox", { name: "Username" }).fill("nobody-of-that-name");
  await anna.page.getByRole("button", { name: "Add", exact: true }).click();
  await expect(anna.page.getByRole("alert")).toContainText(/no such user|unknown|nobody/i);
});

test("what is not there, and what is not for one, is a page that says so with 404 @plain", async ({ person, allowInConsole }) => {
  allowInConsole(/Failed to load resource: the server responded with a status of 404/);
  const [anna, ben] = [await person("anna"), await person("ben")];
  const foreign = await ben.conversation("Ben's own");
  await ben.post(foreign, "a secret");
  for (const path of [`/c/${foreign}`, "/c/01JD3WQ8ZC3E5V9G7M2K4N6P8R", "/c/not-an-id", "/nowhere"]) {
    const answer = await anna.page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(anna.page.getByRole("main")).toContainText(/not found|nothing here/i);
    expect(await answer!.text()).not.toContain("a secret");
  }
});

test("Markdown is shown, markup of a message is not run", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Markup");
  await anna.post(id, '<img src=x onerror="document.title=\'owned\'"> <script>document.title="owned"</script> [go](javascript:alert(1)) `code`');
  await anna.openLive(id);
  const message = anna.message("code");
  await expect(message.getByRole("code")).toHaveText("code");
  await expect(message.locator("img, script")).toHaveCount(0);
  await expect(message.locator('a[href^="javascript:"]')).toHaveCount(0);
  await expect(anna.page).not.toHaveTitle("owned");
});

test("one's own message is edited, reacted to and deleted @plain", async ({ person }) => {
  const anna = await person();
  const { page } = anna;
  const id = await anna.conversation("Second thoughts");
  await anna.post(id, "teh cat");
  await anna.open(id);
  const act = async (text: string, name: string) => {
    await anna.message(text).hover();
    await anna.message(text).getByRole("button", { name, exact: true }).click();
  };
  await act("teh cat", "Edit");
  await page.getByRole("textbox", { name: "Edit message" }).fill("the cat");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(anna.message("the cat")).toContainText("edited");

  await act("the cat", "React");
  await page.getByRole("button", { name: /^👍/ }).first().click();
  await expect(anna.message("the cat").getByRole("button", { name: /^👍 1/ })).toBeVisible();

  await act("the cat", "Delete");
  await page.getByRole("dialog", { name: "Delete message" }).getByRole("button", { name: "Delete" }).click();
  await expect(anna.log).toContainText("This message was deleted.");
  await page.reload();
  await expect(anna.log).toContainText("This message was deleted.");
  await expect(anna.log).not.toContainText("the cat");
});
