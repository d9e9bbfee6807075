import { expect, test, type Person } from "./support/test.ts";

type MakePerson = (name?: string) => Promise<Person>;

/** Two people, both with the same conversation open and alive. */
async function two(person: MakePerson, options = { agents: false }): Promise<[Person, Person, string]> {
  const [anna, ben] = [await person("anna"), await person("ben")];
  const id = await anna.conversation("Kitchen table", { members: [ben], ...options });
  await Promise.all([anna.openLive(id), ben.openLive(id)]);
  return [anna, ben, id];
}

test("what one writes the other reads at once", async ({ person }) => {
  const [anna, ben] = await two(person);
  await anna.sendAndSee("Are you there?");
  await expect(ben.message("Are you there?")).toBeVisible();
  await ben.sendAndSee("I am.");
  await expect(anna.message("I am.")).toHaveCount(1);
  await expect(anna.message("I am.")).toHaveAttribute("data-state", "sent");
  await expect(anna.log.getByRole("article").last()).toHaveAccessibleName(new RegExp(`^${ben.name}, `));
});

test("one sees the other typing, and no longer when the message came", async ({ person }) => {
  const [anna, ben] = await two(person);
  await anna.composer.pressSequentially("hm");
  await expect(ben.typing).toHaveText(`${anna.name} is typing…`);
  await expect(anna.typing).toBeEmpty();
  await anna.composer.press("Enter");
  await expect(ben.message("hm")).toBeVisible();
  await expect(ben.typing).toBeEmpty();
});

test("one sees who is here", async ({ person }) => {
  const [anna, ben] = await two(person);
  await expect(anna.page.getByText(ben.name).first()).toBeVisible();
  await expect(anna.page.getByLabel(new RegExp(`${ben.name}.*online`, "i")).first()).toBeVisible();
});

test("a conversation one is added to appears in the list", async ({ person }) => {
  const [anna, ben] = [await person("anna"), await person("ben")];
  await ben.page.goto("/");
  await ben.connected();
  await anna.conversation("Surprise", { members: [ben] });
  await expect(ben.list.getByRole("link", { name: /Surprise/ })).toBeVisible();
});

test("what is unread is counted, and stands below the New line", async ({ person }) => {
  const [anna, ben, id] = await two(person);
  const elsewhere = await ben.conversation("Elsewhere");
  await anna.sendAndSee("one");
  await expect(ben.message("one")).toBeVisible();
  await expect.poll(async () => (await (await ben.api("get", "/conversations")).json()).conversations.find((c: { id: string }) => c.id === id).unread).toBe(0);

  await ben.openLive(elsewhere);
  await anna.sendAndSee("two");
  await anna.sendAndSee("three");
  const link = ben.list.getByRole("link", { name: /Kitchen table/ });
  await expect(link).toContainText("2");
  await link.click();
  await expect(ben.page).toHaveURL(new RegExp(id));
  const line = ben.log.getByRole("separator", { name: "New" });
  await expect(line).toBeVisible();
  const order = await ben.log.evaluate((log) =>
    [...log.querySelectorAll('[role="separator"], hr, article')]
      .map((one) => (one.tagName === "ARTICLE" ? one.querySelector("p")!.textContent! : one.getAttribute("aria-label")))
      .filter((text) => ["one", "two", "three", "New"].includes(text ?? "")),
  );
  expect(order).toEqual(["one", "New", "two", "three"]);
  // It stays where it was while one reads and while more comes.
  await anna.sendAndSee("four");
  await expect(ben.message("four")).toBeVisible();
  await expect(line).toBeVisible();
  await expect(link).not.toContainText("2");
});

test("an edit, a reaction and a deletion show on both sides", async ({ person }) => {
  const [anna, ben] = await two(person);
  await anna.sendAndSee("teh cat");
  await expect(ben.message("teh cat")).toBeVisible();

  const mine = anna.message("teh cat");
  await mine.hover();
  await mine.getByRole("button", { name: "Edit" }).click();
  await anna.page.getByRole("textbox", { name: "Edit message" }).fill("the cat");
  await anna.page.getByRole("button", { name: "Save" }).click();
  await expect(ben.message("the cat")).toBeVisible();
  await expect(ben.message("the cat")).toContainText(/edited/i);
  await expect(ben.message("teh cat")).toHaveCount(0);

  const theirs = ben.message("the cat");
  await theirs.hover();
  await expect(theirs.getByRole("button", { name: "Edit" })).toHaveCount(0);
  await theirs.getByRole("button", { name: "React" }).click();
  await ben.page.getByRole("button", { name: /👍/ }).first().click();
  await expect(anna.message("the cat").getByRole("button", { name: /👍/ })).toBeVisible();

  const edited = anna.message("the cat");
  await edited.hover();
  await edited.getByRole("button", { name: "Delete" }).click();
  await anna.page.getByRole("dialog", { name: "Delete message" }).getByRole("button", { name: "Delete" }).click();
  await expect(ben.message("the cat")).toHaveCount(0);
  await expect(ben.log).toContainText(/deleted/i);

  await anna.page.reload();
  await expect(anna.log).toContainText(/deleted/i);
  await expect(anna.message("the cat")).toHaveCount(0);
});

test("an edit that adds words is one text with what was there", async ({ person }) => {
  const [anna, ben] = await two(person);
  await anna.sendAndSee("Base text");
  await expect(ben.message("Base text")).toBeVisible();
  await anna.message("Base text").hover();
  await anna.message("Base text").getByRole("button", { name: "Edit" }).click();
  await anna.page.getByRole("textbox", { name: "Edit message" }).fill("Base text with **more** words");
  await anna.page.getByRole("button", { name: "Save" }).click();
  for (const one of [anna, ben]) {
    await expect(one.message("Base text").locator(".body p")).toHaveText(["Base text with more words"]);
  }
  await expect(anna.list).toContainText("Base text with more words");
});

test("what one reads further up does not jump when a message comes", async ({ person }) => {
  const [anna, ben, id] = await two(person);
  for (let i = 1; i <= 40; i++) await anna.post(id, `line number ${i}.`);
  await expect(ben.message("line number 40.")).toBeVisible();
  await ben.message("line number 3.").scrollIntoViewIfNeeded();
  const before = await ben.message("line number 3.").boundingBox();
  await anna.sendAndSee("something new");
  const down = ben.page.getByRole("button", { name: /^1 new/ });
  await expect(down).toBeVisible();
  expect((await ben.message("line number 3.").boundingBox())!.y).toBeCloseTo(before!.y, 0);
  await down.click();
  await expect(ben.message("something new")).toBeInViewport();
});

test("two tabs of one person stay in step", async ({ person }) => {
  const anna = await person();
  const id = await anna.conversation("Mine");
  await anna.openLive(id);
  const other = await anna.page.context().newPage();
  await other.goto(`/c/${id}`);
  await expect(other.getByRole("status", { name: "Connection" })).toHaveText("Connected");
  await anna.sendAndSee("from the first tab");
  await expect(other.getByRole("log").getByRole("article").filter({ hasText: "from the first tab" })).toHaveCount(1);
});
