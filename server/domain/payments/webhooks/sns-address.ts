/** Amazon's notification service, in any region: exactly this, so that `sns.x.amazonaws.com.evil.example` is not. */
const SNS_HOST = /^sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?$/;
/** Printable ASCII without spaces or backslashes: `URL` quietly drops tabs and newlines and turns `\` into `/`. */
const PLAIN = /^https:\/\/[!-[\]-~]{1,1000}$/;

/**
 * The address when it is https on an SNS host, written plainly: the text itself must begin with that host and a slash, so
 * that there is no userinfo, no port, and no difference between two parsers to make use of; and no fragment.
 */
function snsAddress(text: unknown): URL | null {
  if (typeof text !== "string" || !PLAIN.test(text) || text.includes("#") || !URL.canParse(text)) return null;
  const url = new URL(text);
  return SNS_HOST.test(url.host) && text.startsWith(`https://${url.host}/`) ? url : null;
}

/** Where a signing certificate may be fetched: an SNS host, a path that ends in `.pem`, no query. Else null. */
export function certificateAddress(text: unknown): string | null {
  const url = snsAddress(text);
  return url?.pathname.endsWith(".pem") && !url.href.includes("?") && url.href === text ? url.href : null;
}

/** Where a subscription to `topicArn` may be confirmed, else null. */
export function subscribeAddress(text: unknown, topicArn: string): string | null {
  const url = snsAddress(text);
  const confirms = url?.searchParams.get("Action") === "ConfirmSubscription";
  return confirms && url.searchParams.get("TopicArn") === topicArn ? url.href : null;
}
