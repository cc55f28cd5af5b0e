import type { AppContext } from "#server/context.ts";
import type { SentCode } from "#server/domain/identity/one-time-codes.ts";
import { findByAccount } from "#server/domain/identity/user-store.ts";
import type { JobHandler } from "#server/jobs/handler.ts";

/** Here, after the answer, known and unknown phones part. */
export const sendCode: JobHandler<"send-code"> = async (app, { codeId }, run) => {
  const sent = await app.identity.codes.find(codeId);
  const message = sent === null ? null : await messageOf(app, sent);
  if (message === null) return;
  await app.notifications.sms("code.sms", { ...message, subject: codeId, jobId: run.jobId });
};

async function messageOf(app: AppContext, sent: SentCode): Promise<{ to: string; body: string } | null> {
  if (sent.purpose === "sign_in") {
    const found = await findByAccount(app.db.pool, { phone: sent.subject });
    if (found === null || found.person.type === "operator") return null;
    const body = `SmartLine: your code is ${sent.code}. It signs you in for 5 minutes; tell it to nobody.`;
    return { to: sent.subject, body };
  }
  const wish = await app.identity.registrations.phoneOf(sent.subject);
  if (wish === null) return null;
  const body = wish.taken
    ? "SmartLine: somebody asked for a new account with this phone, which has one already. Sign in with a code instead."
    : `SmartLine: your code is ${sent.code}. It confirms your new account for 5 minutes; tell it to nobody.`;
  return { to: wish.phone, body };
}
