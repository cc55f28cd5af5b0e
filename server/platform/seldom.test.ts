import { expect, test } from "vitest";
import { seldom, type Trouble } from "#server/platform/seldom.ts";

const refused = (port: number) =>
  Object.assign(new Error(`connect ECONNREFUSED 127.0.0.1:${port}`), { code: "ECONNREFUSED" });

test("an outage is said at once, then once a minute with how often, whatever else is said meanwhile", () => {
  let now = 0;
  const said: string[] = [];
  const complain = seldom(
    ({ err, repeated }: Trouble) => said.push(`${(err as Error).message} ${repeated}`),
    () => now,
  );
  for (; now < 59_000; now += 1000) complain(refused(now));
  expect(said).toEqual(["connect ECONNREFUSED 127.0.0.1:0 0"]);
  complain(new Error("Missing lock"));
  complain(new Error("Missing lock"));
  expect(said.splice(0)).toHaveLength(2);
  now = 60_000;
  complain(refused(1));
  complain(refused(2));
  expect(said).toEqual(["connect ECONNREFUSED 127.0.0.1:1 58"]);
});

test("trouble whose words never repeat does not fill the memory", () => {
  let said = 0;
  const complain = seldom(() => said++);
  for (let n = 0; n < 1000; n++) complain(new Error(`job ${n}`));
  complain("not an error");
  expect(said).toBe(1001);
});
