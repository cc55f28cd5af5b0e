"use client";

import { useQuery } from "@tanstack/react-query";
import { useSubscription } from "@trpc/tanstack-react-query";
import { ChevronRight } from "lucide-react";
import Link from "next/link";
import { useTRPC } from "#components/data/trpc.ts";
import { useRefetchOnTick } from "#components/data/use-refetch-on-tick.ts";
import { useTabVisible } from "#components/data/use-tab-visible.ts";
import { TripBatches } from "#components/matching/trip-batches.tsx";
import { TripBids } from "#components/matching/trip-bids.tsx";
import { WhyNot } from "#components/matching/why-not.tsx";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import { Section } from "#components/ui/section.tsx";
import { TripPill } from "#components/ui/state-pill.tsx";
import type { TripDetail } from "#server/contracts/console.ts";
import { TripActions } from "./trip-actions.tsx";
import { StepLegend, TripAttempts } from "./trip-attempts.tsx";
import { TripEffects, TripMessages } from "./trip-effects.tsx";
import { MoneyFacts, PeopleFacts, RecordFacts, RouteFacts } from "./trip-facts.tsx";
import { TripLock } from "./trip-lock.tsx";
import { TripMap } from "./trip-map.tsx";
import { TripOffers } from "./trip-offers.tsx";
import { TripProgress } from "./trip-progress.tsx";
import { TripSkeleton } from "./trip-skeleton.tsx";
import { TripTimeline } from "./trip-timeline.tsx";

/** No such trip, or an id that is none. */
const MISSING: ReadonlySet<string> = new Set(["NOT_FOUND", "VALIDATION_FAILED"]);

export function TripPage({ id }: { id: string }) {
  const trpc = useTRPC();
  const trip = useQuery(trpc.trips.detail.queryOptions({ id }));
  const refetch = useRefetchOnTick(trpc.trips.detail.queryFilter({ id }));
  useSubscription(
    trpc.trips.live.subscriptionOptions({ id }, { enabled: useTabVisible(), onStarted: refetch, onData: refetch }),
  );

  return (
    <Room
      title={
        <span className="flex items-center gap-1.5">
          <Link href="/trips" className="font-normal text-muted hover:text-ink">
            Trips
          </Link>
          <ChevronRight aria-hidden className="size-3.5 text-faint" />
          {trip.data ? (
            <Copyable value={trip.data.trip.refId} what="trip ref" className="text-sm" />
          ) : (
            <span className="text-faint">…</span>
          )}
          {trip.data && <TripPill status={trip.data.trip.status} />}
        </span>
      }
      age={<LiveAge at={trip.dataUpdatedAt} />}
      actions={trip.data && <TripActions detail={trip.data} />}
    >
      {trip.data ? (
        <TripBody detail={trip.data} />
      ) : MISSING.has(trip.error?.data?.domainCode ?? "") ? (
        <EmptyState
          title="There is no such trip"
          action={
            <Button asChild>
              <Link href="/trips">Go to the trips</Link>
            </Button>
          }
        >
          The link may be cut short. Search the trips by ref, rider or driver.
        </EmptyState>
      ) : trip.isError ? (
        <ErrorState what="This trip" error={trip.error} onRetry={() => void trip.refetch()} />
      ) : (
        <TripSkeleton />
      )}
    </Room>
  );
}

function TripBody({ detail }: { detail: TripDetail }) {
  const { offers, viewers, attempts, effects, messages, timeline } = detail;
  const mayLookUpDrivers = useCan("drivers.view");
  return (
    <div className="flex min-h-full flex-col">
      <TripProgress trip={detail.trip} />
      <div className="flex flex-1 max-lg:flex-col">
        <div className="min-w-0 flex-1">
          <Section id="timeline" title="Timeline" count={timeline.length}>
            <TripTimeline entries={timeline} />
          </Section>
          <Section
            id="search"
            title="Search"
            count={detail.batches.length}
            note="Batch by batch: how far, who was asked, who was not"
          >
            <TripBatches batches={detail.batches} />
            {mayLookUpDrivers && <WhyNot tripId={detail.trip.id} />}
          </Section>
          {detail.trip.bidding && (
            <Section id="bids" title="Bids" count={detail.bids.length}>
              <TripBids bids={detail.bids} />
            </Section>
          )}
          <Section
            id="offers"
            title="Offers"
            count={offers.length}
            note={
              viewers > 0
                ? `${viewers} ${viewers === 1 ? "driver has" : "drivers have"} it on the screen now`
                : undefined
            }
          >
            <TripOffers offers={offers} />
          </Section>
          <Section
            id="attempts"
            title="Accept attempts"
            count={attempts.length}
            note={attempts.length > 0 && <StepLegend />}
          >
            <TripAttempts attempts={attempts} />
          </Section>
          <Section id="effects" title="Side effects" count={effects.length}>
            <TripEffects effects={effects} />
          </Section>
          {messages !== null && (
            <Section id="messages" title="Messages" count={messages.length}>
              <TripMessages messages={messages} />
            </Section>
          )}
        </div>
        <aside
          aria-label="About this trip"
          className="shrink-0 border-l max-lg:order-first max-lg:border-b max-lg:border-l-0 lg:w-80"
        >
          <TripMap detail={detail} />
          <PeopleFacts {...detail} />
          <RouteFacts {...detail} />
          <MoneyFacts {...detail} />
          {detail.lock !== null && <TripLock lock={detail.lock} />}
          <RecordFacts {...detail} />
        </aside>
      </div>
    </div>
  );
}
