/** What makes a secret weak, for production. */
const EXAMPLES = [
  "a secret of the tests, 32 characters at least",
  "changeme",
  "change-me",
  "your-secret",
  "openssl rand -base64 48",
] as const;
const MIN_LENGTH = 32;
/** Bits of Shannon entropy over the whole text: 32 random hex digits have about 115, a repeated word a fraction of that. */
const MIN_BITS = 96;

/** Bits, as if each character were drawn from the text's own distribution. */
export function entropyBits(text: string): number {
  const counts = new Map<string, number>();
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  let perLetter = 0;
  for (const count of counts.values()) perLetter -= (count / text.length) * Math.log2(count / text.length);
  return perLetter * text.length;
}

/** The text is one piece again and again: `abcabcabc`. */
const isRepeated = (text: string): boolean => `${text}${text}`.indexOf(text, 1) < text.length;

/**
 * Why a secret that a provider gave us is none; null when it may be one. Whoever guesses it writes payments or passes for
 * a person, so it has a least length; in a list `new,old` each one has.
 */
export function sharedSecretProblem(secrets: string, minLength: number): string | null {
  for (const secret of secrets.split(",").map((each) => each.trim()))
    if (secret.length < minLength || isRepeated(secret) || new Set(secret).size < 5)
      return `must have at least ${minLength} characters that are hard to guess`;
  return null;
}

/** Why a secret is too weak to sign with; null when it is not. */
export function secretProblem(secret: string): string | null {
  if (secret.length < MIN_LENGTH) return `must have at least ${MIN_LENGTH} characters (openssl rand -base64 48)`;
  const plain = secret.toLowerCase();
  if (EXAMPLES.some((example) => plain.includes(example)))
    return "is or holds an example's words: make one (openssl rand -base64 48)";
  if (isRepeated(secret) || entropyBits(secret) < MIN_BITS)
    return "is too easy to guess: make one (openssl rand -base64 48)";
  return null;
}
