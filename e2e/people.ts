import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type APIRequestContext, expect, type Page } from "@playwright/test";

const PASSWORD = "smartline-demo";
/** Downtown: the demo's zones cover it. */
export const PICKUP = { lat: 30.0444, lng: 31.2357, address: "Tahrir Square" };
export const DESTINATION = { lat: 30.0626, lng: 31.2497, address: "Ramses Station" };

/** An app's session: REST calls with its token. */
export async function app(request: APIRequestContext, phone: string) {
  const login = await request.post("/api/v1/auth/login", { data: { phone, password: PASSWORD } });
  expect(login.status()).toBe(200);
  const { accessToken } = (await login.json()) as { accessToken: string };
  let calls = 0;
  return async (method: "GET" | "POST", path: string, data?: object, expected = 200) => {
    const headers = { Authorization: `Bearer ${accessToken}`, "Idempotency-Key": `${phone}-${Date.now()}-${calls++}` };
    const answer = await request.fetch(path, { method, headers, ...(data === undefined ? {} : { data }) });
    expect(answer.status(), `${method} ${path}: ${await answer.text()}`).toBe(expected);
    return (await answer.json()) as Record<string, unknown>;
  };
}

/** Where the product under test keeps its services. */
export function services(): { readonly databaseUrl: string; readonly redisUrl: string } {
  return JSON.parse(readFileSync(join(process.env.E2E_DATA_DIR ?? ".data", "running.json"), "utf8"));
}

/** `to`: the room to go on to; the map where none is named. */
export async function signIn(page: Page, email: string, { password = PASSWORD, to = "/map" } = {}): Promise<void> {
  await page.goto(to === "/map" ? "/" : to);
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(to));
}
