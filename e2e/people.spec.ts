import { type Browser, expect, type Page, test } from "@playwright/test";
import pg from "pg";
import { newId } from "#server/contracts/ids.ts";
import { services, signIn } from "./people.ts";

/** Why, in a word of its own that the audit log is searched for. */
const run = newId().slice(-8);
const why = (what: string) => `${what} in journey ${run}`;

async function confirm(page: Page, verb: string, what: string): Promise<void> {
  const dialog = page.getByRole("dialog").last();
  await dialog.getByLabel("Reason").fill(why(what));
  await dialog.getByRole("button", { name: verb }).click();
}

async function elsewhere(browser: Browser, email: string, password: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await signIn(page, email, { password, to: "/settings/account" });
  return page;
}

test("people, roles, settings, alerts and one's own account: what is done there stands in the audit log", async ({
  page,
  browser,
}) => {
  // Well under a minute on an idle machine; seven rooms and three sign-ins on a busy one.
  test.setTimeout(180_000);
  const email = `rana.${run}@example.com`;
  const row = (text: string) => page.getByRole("row").filter({ hasText: text });
  await signIn(page, "admin@smartline.test", { to: "/settings/people" });

  await page.getByRole("button", { name: "Invite" }).click();
  const invitation = page.getByRole("dialog");
  await invitation.getByLabel("First name").fill("Rana");
  await invitation.getByLabel("Last name").fill(`Journey ${run}`);
  await invitation.getByLabel("Email").fill(email);
  await confirm(page, "Make account", "invited");
  const shown = await page.getByRole("button", { name: /^Copy password/ }).getAttribute("aria-label");
  const password = shown?.replace("Copy password ", "") ?? "";
  await page.getByRole("button", { name: "Done, it is handed over" }).click();
  await expect(row(email)).toContainText("Viewer");
  await row(email).getByRole("button", { name: "Change role" }).click();
  await page.getByRole("dialog").getByLabel("New role").selectOption("support");
  await confirm(page, "Change role", "promoted");
  await expect(row(email)).toContainText("Support");

  await page.goto("/settings/roles");
  await page.getByRole("button", { name: "Finance" }).click();
  const permission = page.getByRole("dialog").getByRole("checkbox", { name: "See drivers and where they are" });
  const held = await permission.isChecked();
  await permission.click();
  await page.getByRole("button", { name: "Save role" }).click();
  await confirm(page, "Save role", "edited");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  const cell = row("See drivers and where they are").getByRole("cell");
  const column = await page
    .getByRole("columnheader")
    .allInnerTexts()
    .then((heads) => heads.findIndex((head) => head.startsWith("Finance")));
  await expect(cell.nth(column - 1)).toContainText(held ? "no" : "yes");

  await page.goto("/settings/business");
  const setting = row("Accepted trips given up");
  await setting.getByRole("button", { name: "Change" }).click();
  const value = page.getByRole("dialog").getByLabel(/^Value/);
  const before = Number(await value.inputValue());
  await value.fill(String(before + 1));
  await confirm(page, "Save setting", "tuned");
  await expect(setting).toContainText("by Admin Demo");

  const database = new pg.Client({ connectionString: services().databaseUrl });
  await database.connect();
  await database.query(
    `INSERT INTO alerts (id, kind, severity, subject_type, subject_id, summary)
     VALUES ($1, 'payments.blocked', 'warning', 'customer', $2, $3)`,
    [newId(), newId(), why("payments failed")],
  );
  await database.end();
  await page.goto("/ops/alerts");
  await row(run).getByRole("button", { name: "Resolve" }).click();
  await confirm(page, "Resolve alert", "resolved");
  await expect(row(run)).toHaveCount(0);
  await page.getByRole("radio", { name: "Resolved" }).click();
  await expect(row(run)).toContainText("by Admin Demo");

  // Whom they invited, at two desks.
  const rana = await elsewhere(browser, email, password);
  const own = `quiet lantern ${run} river`;
  const chooses = rana.getByRole("heading", { name: "Choose your own password" });
  for (const room of ["/map", "/settings/account"]) {
    await rana.goto(room);
    await expect(chooses).toBeVisible();
    await expect(rana.getByRole("navigation")).toHaveCount(0);
  }
  await rana.getByLabel("Current password").fill(password);
  await rana.getByLabel("New password").fill(own);
  await rana.getByRole("button", { name: "Change password" }).click();
  await expect(rana.getByRole("heading", { name: "Your account" })).toBeVisible();
  const other = await elsewhere(browser, email, own);
  await rana.reload();
  await rana.getByRole("button", { name: /^End the session/ }).click();
  await expect(rana.getByText("The session was ended.")).toBeVisible();
  await expect(rana.getByRole("button", { name: /^End the session/ })).toHaveCount(0);
  await other.goto("/ops/alerts");
  await expect(other).toHaveURL(/\/sign-in/);
  await rana.getByLabel("Current password").fill(own);
  await rana.getByLabel("New password").fill(`brisk harbour ${run} stone`);
  await rana.getByRole("button", { name: "Change password" }).click();
  await expect(rana.getByLabel("Current password")).toHaveValue("");
  await rana.goto("/ops/alerts");
  await expect(rana.getByRole("heading", { name: "Alerts" })).toBeVisible();
  await signIn(other, email, { password: `brisk harbour ${run} stone`, to: "/settings/account" });
  for (const one of [rana, other]) await one.context().close();

  await page.goto("/settings/audit");
  for (const [action, what] of [
    ["operator.invite", "invited"],
    ["operator.role", "promoted"],
    ["role.update", "edited"],
    ["setting.change", "tuned"],
    ["alert.resolve", "resolved"],
  ] as const)
    await expect(row(why(what)).filter({ hasText: "Admin Demo" })).toContainText(action);
  for (const [action, times] of [
    ["operator.session_ended", 1],
    ["operator.password", 2],
  ] as const)
    await expect(row(`Journey ${run}`).filter({ hasText: action })).toHaveCount(times);
  await page.getByRole("cell", { name: why("tuned") }).click();
  const entry = page.getByRole("dialog");
  await expect(entry.locator("del")).toHaveText(String(before));
  await expect(entry.locator("ins")).toHaveText(String(before + 1));
});
