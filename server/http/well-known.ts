import type { Hono } from "hono";
import type { AppContext } from "#server/context.ts";
import type { DoorEnv } from "#server/http/door.ts";

/** RFC 9116 asks for a date less than a year ahead. */
const VALID_DAYS = 180;
const DAY_MS = 86_400_000;

/** What robots and finders of weaknesses look for. */
export function mountWellKnown(hono: Hono<DoorEnv>, app: AppContext): void {
  const { publicUrl, securityContact } = app.config.http;
  hono.get("/.well-known/security.txt", (c) => {
    // A whole day, so that the file is the same all day.
    const day = Math.floor(app.clock.now().getTime() / DAY_MS) + VALID_DAYS;
    const lines = [
      `Contact: ${securityContact}`,
      `Expires: ${new Date(day * DAY_MS).toISOString()}`,
      "Preferred-Languages: en, ar",
      ...(publicUrl === null ? [] : [`Canonical: ${new URL("/.well-known/security.txt", publicUrl).href}`]),
    ];
    return c.text(`${lines.join("\n")}\n`);
  });
  hono.get("/robots.txt", (c) => c.text("User-agent: *\nDisallow: /\n"));
}
