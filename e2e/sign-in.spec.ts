import { expect, test } from "@playwright/test";
import { newId } from "#server/contracts/ids.ts";

/** What stands for the provider's script: a box that is ticked, in a frame of the provider's own. */
const SCRIPT = `
  const render = (where, { sitekey, callback }) => {
    const frame = document.createElement("iframe");
    frame.src = "https://challenges.cloudflare.com/frame?" + sitekey;
    frame.title = "challenge";
    const box = document.createElement("button");
    box.type = "button";
    box.textContent = "I am a person";
    box.onclick = () => callback(window.nextAnswer ?? "solved-in-a-journey");
    where.append(frame, box);
  };
  window.turnstile = { render };
  window[new URL(document.currentScript.src).searchParams.get("onload")]();
`;

test("after three failures a challenge is drawn, and the try goes out again with its answer", async ({ page }) => {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (/Content.Security.Policy|violates the following/i.test(message.text())) complaints.push(message.text());
  });
  const frames: string[] = [];
  await page.route("https://challenges.cloudflare.com/**", (route) => {
    const url = route.request().url();
    if (url.includes("/frame")) {
      frames.push(url);
      return route.fulfill({ contentType: "text/html", body: "<p>challenge</p>" });
    }
    return route.fulfill({ contentType: "text/javascript", body: SCRIPT });
  });
  const sent: URLSearchParams[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/api/auth/callback/credentials"))
      sent.push(new URLSearchParams(request.postData() ?? ""));
  });

  await page.goto("/sign-in");
  await page.getByLabel("Email").fill(`${newId()}@example.com`);
  const password = page.getByLabel("Password", { exact: true });
  const go = page.getByRole("button", { name: "Sign in", exact: true });
  for (let n = 1; n <= 3; n++) {
    await password.fill(`wrong ${n}`);
    await go.click();
    await expect(page.getByRole("alert").filter({ hasText: "Email or password is wrong" })).toBeVisible();
    await expect(go).toBeEnabled();
  }
  await password.fill("wrong 4");
  await go.click();
  await expect(page.getByText("Too many failed sign-ins. Solve the challenge below")).toBeVisible();
  expect(sent.map((form) => form.get("captchaToken"))).toEqual([null, null, null, null]);

  // Solved, it goes out by itself; the password is as wrong as before.
  await page.getByRole("button", { name: "I am a person" }).click();
  await expect(page.getByText("Email or password is wrong")).toBeVisible();
  expect(sent.slice(4).map((form) => [form.get("password"), form.get("captchaToken")])).toEqual([
    ["wrong 4", "solved-in-a-journey"],
  ]);

  // An answer is good for one try; the sixth in this minute is refused with the time to wait.
  await go.click();
  await expect(page.getByText("Solve the challenge first.")).toBeVisible();
  await page.getByRole("button", { name: "I am a person" }).click();
  await go.click();
  await expect(page.getByText(/Too many tries\. Wait \d+ seconds\./)).toBeVisible();
  expect(sent).toHaveLength(6);
  expect(frames[0]).toContain("site-key-of-the-journeys");
  expect(complaints).toEqual([]);
});
