/**
 * The last look at a log line before it is written: whatever would give away a secret or a person is cut out of it,
 * however deep it stands and whoever wrote it (a provider's answer, a database's error).
 * Each pattern begins where a word does or is bounded, so that a long line costs in step with its length.
 */
const CENSOR = "[redacted]";

const SECRET_FIELDS =
  /("(?:\w{0,64}(?:password|passwd|secret|token|authorization|cookie|otp|totp|captcha|licence|identityNumber|private_key|phone|email|recipient)\w{0,64})"\s*:\s*)"(?:[^"\\]|\\.)*"/gi;
const CODE_FIELD = /("(?:code|pin)"\s*:\s*)"\d{6}"/g;
const JWT = /\beyJ[\w-]{8,1024}\.[\w-]+\.[\w-]*/g;
const BEARER = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;
const PHONE = /(?<![\w.+-])\+[1-9]\d{6,14}\b/g;
/** In URLs and forms the plus is escaped. */
const ESCAPED_PHONE = /%2B[1-9]\d{6,14}\b/gi;
const EMAIL = /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g;
const CARD = /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])/g;

/** The check digit of card numbers. */
function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

export function redacted(line: string): string {
  return line
    .replace(SECRET_FIELDS, `$1"${CENSOR}"`)
    .replace(CODE_FIELD, `$1"${CENSOR}"`)
    .replace(JWT, CENSOR)
    .replace(BEARER, `$1 ${CENSOR}`)
    .replace(PHONE, CENSOR)
    .replace(ESCAPED_PHONE, CENSOR)
    .replace(EMAIL, CENSOR)
    .replace(CARD, (text) => (isLuhn(text.replaceAll(/[ -]/g, "")) ? CENSOR : text));
}
