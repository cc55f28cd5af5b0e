"use client";

import { useQuery } from "@tanstack/react-query";
import { useTRPC } from "#components/data/trpc.ts";
import { Fact } from "#components/trips/trip-facts.tsx";
import { Code } from "#components/ui/code.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { ErrorState } from "#components/ui/notice.tsx";
import { Section } from "#components/ui/section.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import { StatePill } from "#components/ui/state-pill.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { IdempotencyDetail } from "#server/contracts/console.ts";
import { KEY_LOOK, KeyActor, leaseText } from "./idempotency-columns.tsx";

/** One key: who sent it for what, and the answer that its retries get. */
export function IdempotencyDrawer({ id, onClose }: { id: string | null; onClose: () => void }) {
  const trpc = useTRPC();
  const key = useQuery({ ...trpc.idempotency.detail.queryOptions({ id: id ?? "" }), enabled: id !== null });
  return (
    <Drawer
      open={id !== null}
      onOpenChange={(open) => !open && onClose()}
      title={key.data ? `Key of ${key.data.operation}` : "Key"}
    >
      {key.isError && !key.data ? (
        <ErrorState what="This key" error={key.error} onRetry={() => void key.refetch()} />
      ) : key.data ? (
        <KeyFacts row={key.data} />
      ) : (
        <div role="status" aria-label="Loading the key" className="space-y-4 p-4">
          <Skeleton className="w-2/3" />
          <Skeleton className="h-32 w-full" />
        </div>
      )}
    </Drawer>
  );
}

function KeyFacts({ row }: { row: IdempotencyDetail }) {
  return (
    <>
      <dl className="border-b px-4 py-2">
        <Fact name="State">
          <StatePill look={KEY_LOOK[row.state]} /> <span className="text-muted">{leaseText(row)}</span>
        </Fact>
        <Fact name="Key">
          <Copyable value={row.key} what="key" />
        </Fact>
        <Fact name="Operation">
          <span className="font-mono text-xs">{row.operation}</span>
        </Fact>
        <Fact name="Sent by">
          <KeyActor row={row} />
        </Fact>
        <Fact name="Actor's id">
          <Copyable value={row.actorId} what="actor id" />
        </Fact>
        <Fact name="Replays">{row.replays}</Fact>
        <Fact name="Conflicts">{row.conflicts}</Fact>
        <Fact name="First sent">
          <Moment at={row.createdAt} show="full" />
        </Fact>
        <Fact name="Kept until">
          <Moment at={row.expiresAt} show="full" />
        </Fact>
        <Fact name="Request hash">
          <Copyable value={row.requestHash} what="request hash" />
        </Fact>
      </dl>
      <Section
        title="Stored answer"
        note={row.statusCode === null ? "None yet" : `HTTP ${row.statusCode}; secrets and personal data masked`}
      >
        {row.body !== null && <Code>{JSON.stringify(row.body, null, 2)}</Code>}
      </Section>
    </>
  );
}
