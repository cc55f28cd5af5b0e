import { describe, expect, test } from "vitest";
import type { Answer, Call } from "./api-client.ts";
import { FakePlatform, numbers, ok, refused } from "./fixtures.ts";
import { Session, SignInDesk } from "./session.ts";

const MINUTE = 60_000;
const signedIn = () => ok({ accessToken: "token", expiresIn: 900, user: { id: "u" } });

function sessionWith(answer: (call: Call) => Answer, desk = new SignInDesk()) {
  const platform = new FakePlatform(answer);
  const session = new Session({
    phone: "+20100000001",
    password: "p",
    send: platform.send,
    desk,
    random: numbers(0.5),
    startsAt: 0,
  });
  return { platform, session };
}

describe("a session", () => {
  test("signs in once, and again before the token ends", async () => {
    const { platform, session } = sessionWith(signedIn);
    for (let minute = 0; minute <= 12; minute++) await session.tick(minute * MINUTE);
    expect(platform.calls).toHaveLength(1);
    await session.tick(14 * MINUTE);
    expect(platform.calls).toHaveLength(2);
  });

  test("puts the token on each call, and signs in anew when it is refused", async () => {
    let refuse = false;
    const { platform, session } = sessionWith(({ path }) =>
      path.endsWith("/login") ? signedIn() : refuse ? refused(401, "UNAUTHENTICATED") : ok({}),
    );
    await session.tick(0);
    await session.send({ method: "GET", path: "/api/v1/trips" });
    expect(platform.calls.at(-1)?.token).toBe("token");
    refuse = true;
    await session.send({ method: "GET", path: "/api/v1/trips" });
    expect(session.token).toBeNull();
    await session.tick(1000);
    expect(session.token).toBe("token");
  });

  test("waits longer each time it fails, and at least as long as Retry-After says", async () => {
    const { platform, session } = sessionWith(() => refused(429, "RATE_LIMIT_EXCEEDED", 20_000));
    for (let second = 0; second <= 21; second++) await session.tick(second * 1000);
    expect(platform.calls).toHaveLength(1);
    for (let second = 22; second <= 45; second++) await session.tick(second * 1000);
    expect(platform.calls).toHaveLength(2);
  });
});

test("at the desk two are served at once, the others in turn", async () => {
  const desk = new SignInDesk();
  let open = 0;
  let most = 0;
  const served: number[] = [];
  const visit = (n: number) =>
    desk.serve(async () => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      await Promise.resolve();
      open--;
      served.push(n);
      if (n === 2) throw new Error("refused");
    });
  const visits = await Promise.allSettled([1, 2, 3, 4, 5].map(visit));
  expect([most, served]).toEqual([2, [1, 2, 3, 4, 5]]);
  expect(visits.filter(({ status }) => status === "rejected")).toHaveLength(1);
});
