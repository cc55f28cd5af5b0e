import Link from "next/link";
import { Copyable } from "#components/ui/copyable.tsx";

const PAGES: Readonly<Record<string, (id: string) => string>> = {
  trip: (id) => `/trips/${id}`,
  lock: (id) => `/trips/${id}`,
  driver: (id) => `/map?driver=${id}`,
  operator: () => "/settings/people",
  role: () => "/settings/roles",
  setting: () => "/settings/business",
  alert: () => "/ops/alerts?show=resolved",
  queue: () => "/ops/jobs",
};

/** What a row is about, with the way there where there is one. */
export function AuditSubject({ subject }: { subject: { readonly type: string; readonly id: string } }) {
  const page = PAGES[subject.type]?.(subject.id);
  const short = /^[0-9a-f]{8}-/.test(subject.id) ? `…${subject.id.slice(-8)}` : subject.id;
  if (page === undefined) return <Copyable value={subject.id} what={subject.type} />;
  return (
    <Link href={page} className="text-accent-ink hover:underline" title={subject.id}>
      {subject.type} <span className="font-mono text-xs">{short}</span>
    </Link>
  );
}
