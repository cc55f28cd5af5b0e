import { describe, expect, test } from "vitest";
import { ERRORS } from "#server/contracts/errors.ts";
import { OLDER_PATHS } from "#server/http/compat.ts";
import { openApiDocument } from "#server/http/openapi/document.ts";
import { restProcedures } from "#server/http/rest.ts";
import { EXAMPLES } from "#server/trpc/routers/examples.ts";

type Operation = { readonly [key: string]: unknown; readonly operationId: string; readonly deprecated?: boolean };
const document = openApiDocument(null) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; responses: Record<string, object> };
  info: { description: string };
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ route: `${method.toUpperCase()} ${path}`, operation })),
);

test("operation ids are there once each, and older paths alone are deprecated", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const deprecated = operations.filter(({ operation }) => operation.deprecated).map(({ route }) => route);
  expect(deprecated.sort()).toEqual(OLDER_PATHS.map(({ path }) => `POST ${path}`).sort());
});

test("every code is in the table and has an example", () => {
  const answers = JSON.stringify(document.components.responses);
  for (const code of Object.keys(ERRORS)) {
    expect(document.info.description).toContain(`| \`${code}\` |`);
    expect(answers).toContain(`"code":"${code}"`);
  }
});

test("what is shared is described once", () => {
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(["Trip", "Money", "Place", "Problem", "ErrorCode"]),
  );
  const paths = JSON.stringify(document.paths);
  expect(paths.match(/"estimatedFare":\{"(type|\$ref)"/g)).toBeNull();
  expect(paths).toContain("#/components/schemas/Trip");
});

describe("examples are what the procedures take and give", () => {
  test.each(restProcedures().map((door) => [door.path, door] as const))("%s", (path, { procedure }) => {
    const example = EXAMPLES[path];
    if (example === undefined) throw new Error(`server/trpc/routers/examples.ts has none for ${path}`);
    const { inputs, output } = procedure._def;
    for (const input of inputs) input.parse(example.input);
    if (output === undefined) throw new Error(`${path} declares no output`);
    expect(output.parse(example.output)).toEqual(example.output);
    expect(example.description.length).toBeGreaterThan(20);
  });

  test("none is left of a procedure that is gone", () => {
    const paths = new Set(restProcedures().map(({ path }) => path));
    expect(Object.keys(EXAMPLES).filter((path) => !paths.has(path))).toEqual([]);
  });

  test.each(OLDER_PATHS.map((older) => [older.path, older] as const))("%s", (_, { schema, example }) => {
    schema.parse(example);
  });
});
