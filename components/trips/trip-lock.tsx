import Link from "next/link";
import { formatSeconds } from "#components/ui/duration.ts";
import { Section } from "#components/ui/section.tsx";
import { VERDICT_LOOK } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { LockRow, TripLockState } from "#server/contracts/console.ts";
import { Fact } from "./trip-facts.tsx";

const Held = ({ lock }: { lock: LockRow }) => (
  <dl className="px-4 pb-3">
    <Fact name="Verdict">
      <StatePill look={VERDICT_LOOK[lock.verdict]} />
      <p className="pt-0.5 text-muted text-xs">{lock.why}</p>
    </Fact>
    <Fact name="Owner">{lock.ownerName ?? lock.ownerDriverId ?? "Unknown"}</Fact>
    <Fact name="Ends in">{lock.ttlSeconds === null ? "Never: it has no TTL" : formatSeconds(lock.ttlSeconds)}</Fact>
  </dl>
);

function words(lock: TripLockState) {
  switch (lock.state) {
    case "held":
      return <Held lock={lock.lock} />;
    case "free":
      return <p className="px-4 pb-3 text-muted">No lock is held. The database alone decides who has the trip.</p>;
    case "unknown":
      return (
        <p className="px-4 pb-3 text-warn">
          Not known now: Redis does not answer. Whether or not a lock is held, the database decides who has the trip.
        </p>
      );
  }
}

export function TripLock({ lock }: { lock: TripLockState }) {
  return (
    <Section
      title="Lock"
      actions={
        lock.state === "held" && (
          <Link href="/ops/locks" className="text-accent-ink text-xs hover:underline">
            All locks
          </Link>
        )
      }
    >
      {words(lock)}
    </Section>
  );
}
