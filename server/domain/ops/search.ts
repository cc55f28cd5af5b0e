/** Of a first name that half the city bears, more are not looked through. */
const MAX_PEOPLE = 500;

/** What LIKE must not take for a wildcard. */
const escaped = (text: string) => text.replaceAll(/[\\%_]/g, "\\$&");

export interface SearchPatterns {
  /** As typed: phones. */
  readonly asTyped: string;
  readonly lower: string;
  /** Plates and trip numbers are kept in capitals. */
  readonly upper: string;
}

/** Patterns for the start of what is looked for; null when nothing is. */
export function patternsOf(q: string | null): SearchPatterns | null {
  const text = q?.trim() ?? "";
  if (text === "") return null;
  const start = `${escaped(text)}%`;
  return { asTyped: start, lower: start.toLowerCase(), upper: start.toUpperCase() };
}

/** Ids of users whose phone, name or last name starts so; `p` are the positions of `asTyped` and `lower`. */
export const peopleStartingWith = (p: { readonly asTyped: string; readonly lower: string }): string => `
  (SELECT id FROM users WHERE phone LIKE ${p.asTyped} LIMIT ${MAX_PEOPLE})
  UNION (SELECT id FROM users WHERE lower(first_name || ' ' || last_name) LIKE ${p.lower} LIMIT ${MAX_PEOPLE})
  UNION (SELECT id FROM users WHERE lower(last_name) LIKE ${p.lower} LIMIT ${MAX_PEOPLE})`;
