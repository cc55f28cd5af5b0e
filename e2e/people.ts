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

export async function signIn(page: Page, email: string): Promise<void> {
  await page.goto("/");
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/map/);
}
