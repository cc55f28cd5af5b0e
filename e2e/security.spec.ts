import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, type Page, test } from "@playwright/test";
import { app, DESTINATION, PICKUP, signIn } from "./people.ts";

const CONSOLE = join(import.meta.dirname, "..", "app", "(console)");

/** Every page of the console, from the files that make them; `[id]` is a trip's. */
function consolePaths(tripId: string): string[] {
  return readdirSync(CONSOLE, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name === "page.tsx")
    .map((entry) => `/${relative(CONSOLE, entry.parentPath)}`.replace("[id]", tripId))
    .sort();
}

/** What the browser refused by our policy, and scripts that failed, from now on. */
function watch(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (/Content.Security.Policy|violates the following/i.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  return complaints;
}

test("no page breaks our own policy: every room, the map, dialogs, menus, toasts and both themes", async ({
  page,
  request,
}) => {
  test.setTimeout(180_000);
  const complaints = watch(page);
  const rider = await app(request, "+20110000003");
  const booking = { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "scooter", paymentMethod: "cash" };
  const trip = await rider("POST", "/api/v1/trips", booking, 201);

  await signIn(page, "admin@smartline.test");
  await expect(page.locator("canvas").first()).toBeVisible();
  const paths = consolePaths(String(trip.id));
  expect(paths.length).toBeGreaterThanOrEqual(7);
  for (const path of paths) {
    const response = await page.goto(path);
    expect([path, response?.status()]).toEqual([path, 200]);
    const policy = response?.headers()["content-security-policy"] ?? "";
    expect(policy).toMatch(/script-src 'nonce-[\w+/=]+' 'strict-dynamic'/);
    expect(policy.replace("style-src-attr 'unsafe-inline'", "")).not.toContain("unsafe-");
    expect(response?.headers()["cache-control"]).toContain("no-store");
    await expect(page.getByRole("heading").first()).toBeVisible();
    for (const scheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.waitForTimeout(150);
    }
    expect(complaints, path).toEqual([]);
  }
  await page.goto(`/trips/${trip.id}`);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await page
    .getByRole("button", { name: /^Cancel/ })
    .first()
    .click();
  await page.getByRole("dialog").getByRole("textbox").fill("a test of the page's policy");
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Cancel trip/ })
    .click();
  await expect(page.locator("[data-sonner-toast]").first()).toBeVisible();
  expect(complaints).toEqual([]);
});

test("the API's reference keeps to its own files, and tries a call with a pasted token", async ({
  page,
  request,
  baseURL,
}) => {
  const complaints = watch(page);
  const elsewhere: string[] = [];
  page.on("request", (sent) => {
    if (!sent.url().startsWith(baseURL ?? "") && !sent.url().startsWith("data:")) elsewhere.push(sent.url());
  });
  const login = await request.post("/api/v1/auth/login", {
    data: { phone: "+20110000005", password: "smartline-demo" },
  });
  const { accessToken } = (await login.json()) as { accessToken: string };
  await page.goto("/api/docs");
  await expect(page.locator(".opblock").first()).toBeVisible();
  await page.locator(".auth-wrapper .authorize").click();
  await page.locator("#auth-bearer-value").fill(accessToken);
  await page.getByRole("button", { name: "Apply credentials" }).first().click();
  await page.getByRole("button", { name: "Close" }).first().click();
  const call = page.locator("#operations-Trips-ridesList");
  await call.getByRole("button").first().click();
  await call.getByRole("button", { name: "Execute" }).click();
  await expect(call.locator(".live-responses-table tbody .response-col_status").first()).toContainText("200");
  await expect(call.locator(".live-responses-table")).toContainText("x-request-id");
  for (const width of [360, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  }
  expect(elsewhere).toEqual([]);
  expect(complaints).toEqual([]);
});

test("the policy bites: what we did not write is not run", async ({ page }) => {
  const complaints = watch(page);
  await page.goto("/sign-in");
  const ran = await page.evaluate(async () => {
    const before = getComputedStyle(document.body).color;
    document.body.insertAdjacentHTML("beforeend", `<img src="x:" onerror="window.injected = true">`);
    document.body.insertAdjacentHTML("beforeend", "<style>body { color: rgb(1, 2, 3) !important }</style>");
    const frame = document.createElement("iframe");
    frame.srcdoc = "<script>parent.injected = true</script>";
    document.body.append(frame);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return { injected: "injected" in window, restyled: getComputedStyle(document.body).color !== before };
  });
  expect(ran).toEqual({ injected: false, restyled: false });
  expect(complaints.length).toBeGreaterThanOrEqual(3);
});

test("the session's cookie is HttpOnly and Lax, and no other site can use it", async ({ page, baseURL }) => {
  await signIn(page, "admin@smartline.test");
  const session = (await page.context().cookies()).find((cookie) => cookie.name.endsWith("session-token"));
  expect(session).toMatchObject({ httpOnly: true, sameSite: "Lax", secure: baseURL?.startsWith("https:") ?? false });
  const pause = (headers: Record<string, string>) =>
    page.request.post("/api/trpc/jobs.pause", {
      data: { json: { queue: "low", reason: "not from our page" } },
      headers,
    });
  const foreign: Record<string, string>[] = [{}, { origin: "https://evil.example" }, { origin: "null" }];
  for (const headers of foreign) {
    const answer = await pause(headers);
    expect(answer.status()).toBe(403);
    expect(await answer.text()).toContain("Origin");
  }
  const signOut = await page.request.post("/api/auth/signout", {
    headers: { origin: "https://evil.example" },
    form: {},
  });
  expect(signOut.status()).toBe(403);
  expect((await page.request.get("/api/trpc/session.me")).status()).toBe(200);
});

test("without a session no page gives a protected byte, by whatever door", async ({ request }) => {
  const rider = await app(request, "+20110000004");
  const booking = { pickup: PICKUP, destination: DESTINATION, vehicleCategory: "scooter", paymentMethod: "cash" };
  const trip = await rider("POST", "/api/v1/trips", booking, 201);
  const secrets = [String(trip.refId), "+20110000004", "+2010000", PICKUP.address];
  const rsc = { RSC: "1" };
  const doors: { readonly suffix: string; readonly headers: Record<string, string> }[] = [
    { suffix: "", headers: {} },
    { suffix: "", headers: { "x-middleware-subrequest": "middleware:middleware:middleware:middleware:middleware" } },
    {
      suffix: "",
      headers: {
        "x-middleware-subrequest": "src/middleware:src/middleware:src/middleware:src/middleware:src/middleware",
      },
    },
    {
      suffix: "",
      headers: { "x-middleware-subrequest": "proxy:proxy:proxy:proxy:proxy", "x-middleware-rewrite": "/map" },
    },
    { suffix: "", headers: { cookie: "next-auth.session-token=forged" } },
    { suffix: ".rsc", headers: rsc },
    { suffix: "?_rsc=1abc", headers: rsc },
    { suffix: "?_rsc=1abc", headers: { ...rsc, "Next-Router-Prefetch": "1" } },
    {
      suffix: "?_rsc=1abc",
      headers: { ...rsc, "Next-Router-Prefetch": "1", "Next-Router-Segment-Prefetch": "/_tree" },
    },
    {
      suffix: "?_rsc=1abc",
      headers: { ...rsc, "Next-Router-Prefetch": "1", "Next-Router-Segment-Prefetch": "/!KGNvbnNvbGUp" },
    },
    { suffix: ".segments/_tree.segment.rsc", headers: rsc },
    { suffix: ".segments/!KGNvbnNvbGUp/__PAGE__.segment.rsc", headers: rsc },
  ];
  for (const path of consolePaths(String(trip.id))) {
    for (const { suffix, headers } of doors) {
      const answer = await request.get(`${path}${suffix}`, { headers, maxRedirects: 0 });
      const text = await answer.text();
      for (const secret of secrets) expect(text, `${path}${suffix} ${JSON.stringify(headers)}`).not.toContain(secret);
      expect(answer.status(), `${path}${suffix}`).toBeLessThan(500);
    }
  }
});
