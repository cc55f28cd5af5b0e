export interface FieldChange {
  /** `who.name`; empty for the whole. */
  readonly path: string;
  /** Null: was not there. */
  readonly before: string | null;
  readonly after: string | null;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === "string");
const isNothing = (value: unknown) => value === undefined || value === null;

function textOf(value: unknown): string | null {
  if (isNothing(value)) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** What changed between two values of the audit log, field by field; of a list of names, those that came and went. */
export function differenceOf(before: unknown, after: unknown, path = ""): FieldChange[] {
  if ((isRecord(before) || isNothing(before)) && (isRecord(after) || isNothing(after))) {
    const [was, is] = [before ?? {}, after ?? {}] as [Record<string, unknown>, Record<string, unknown>];
    return [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap((name) =>
      differenceOf(was[name], is[name], path === "" ? name : `${path}.${name}`),
    );
  }
  if (isNames(before) && isNames(after)) {
    const gone = before.filter((name) => !after.includes(name));
    const come = after.filter((name) => !before.includes(name));
    if (gone.length + come.length === 0) return [];
    return [{ path, before: gone.join(", ") || null, after: come.join(", ") || null }];
  }
  const [was, is] = [textOf(before), textOf(after)];
  return was === is ? [] : [{ path, before: was, after: is }];
}
