import Link from "next/link";
import type { ReactNode } from "react";
import { Copyable } from "#components/ui/copyable.tsx";
import { formatMeters, formatSeconds } from "#components/ui/duration.ts";
import { Money } from "#components/ui/money.tsx";
import { Section } from "#components/ui/section.tsx";
import { Moment } from "#components/ui/time.tsx";
import type { TripDetail } from "#server/contracts/console.ts";
import type { Place } from "#server/contracts/geo.ts";

const none = <span className="text-faint">–</span>;

export const placeLabel = (place: Place): string => place.address ?? `${place.lat.toFixed(5)}, ${place.lng.toFixed(5)}`;

function Facts({ children }: { children: ReactNode }) {
  return <dl className="px-4 pb-3">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex min-h-7 items-start gap-3 py-0.5">
      <dt className="w-24 shrink-0 text-faint">{name}</dt>
      <dd className="min-w-0 flex-1 break-words">{children}</dd>
    </div>
  );
}

export function PeopleFacts({ customer, trip }: TripDetail) {
  return (
    <Section title="People">
      <Facts>
        <Fact name="Rider">
          {customer.name}
          <br />
          <Copyable value={customer.phone} what="rider's phone" />
        </Fact>
        <Fact name="Driver">
          {trip.driver ? (
            <>
              <Link href={`/map?driver=${trip.driver.id}`} className="text-accent-ink hover:underline">
                {trip.driver.name}
              </Link>
              <br />
              <Copyable value={trip.driver.phone} what="driver's phone" />
            </>
          ) : (
            <span className="text-muted">No driver</span>
          )}
        </Fact>
        {trip.vehicle && (
          <Fact name="Vehicle">
            <span className="font-mono text-xs">{trip.vehicle.plate}</span> · {trip.vehicle.model}
          </Fact>
        )}
      </Facts>
    </Section>
  );
}

export function RouteFacts({ trip, zoneName }: TripDetail) {
  return (
    <Section title="Route">
      <Facts>
        {trip.scheduledAt && (
          <Fact name="Pick-up at">
            <Moment at={trip.scheduledAt} show="full" />
          </Fact>
        )}
        <Fact name="From">{placeLabel(trip.pickup)}</Fact>
        {trip.stops.map((stop, index) => (
          <Fact key={`${stop.lat},${stop.lng}`} name={`Stop ${index + 1}`}>
            {placeLabel(stop)}
          </Fact>
        ))}
        <Fact name="To">{placeLabel(trip.destination)}</Fact>
        <Fact name="Planned">
          {formatMeters(trip.estimatedDistanceMeters)} · {formatSeconds(trip.estimatedDurationSeconds)}
          {trip.routeEstimated && (
            <p className="text-faint text-xs">A straight line at 40 km/h: no routing provider answered.</p>
          )}
        </Fact>
        {trip.actualDistanceMeters !== null && <Fact name="Driven">{formatMeters(trip.actualDistanceMeters)}</Fact>}
        <Fact name="Zone">{zoneName ?? none}</Fact>
        <Fact name="Category">{trip.vehicleCategory}</Fact>
      </Facts>
    </Section>
  );
}

export function MoneyFacts({ trip }: TripDetail) {
  return (
    <Section title="Money">
      <Facts>
        <Fact name="Estimated">
          <Money value={trip.estimatedFare} />
        </Fact>
        {trip.agreedFare && (
          <Fact name="Agreed">
            <Money value={trip.agreedFare} />
          </Fact>
        )}
        <Fact name="Final">{trip.actualFare ? <Money value={trip.actualFare} /> : none}</Fact>
        <Fact name="Surge">
          <span className="font-mono">×{trip.surgeMultiplier.toFixed(2)}</span>
        </Fact>
        <Fact name="Paid by">{trip.paymentMethod}</Fact>
      </Facts>
    </Section>
  );
}

export function RecordFacts({ trip }: TripDetail) {
  return (
    <Section title="Record">
      <Facts>
        <Fact name="Trip id">
          <Copyable value={trip.id} what="trip id" />
        </Fact>
        <Fact name="Version">
          <span className="font-mono text-xs">{trip.version}</span>
        </Fact>
        <Fact name="Kind">{trip.type === "parcel" ? "Parcel" : "Ride"}</Fact>
        {trip.cancelReason && (
          <Fact name="Cancelled">
            {trip.cancelReason}
            {trip.cancelledBy && <p className="text-faint text-xs">by {trip.cancelledBy}</p>}
          </Fact>
        )}
        {trip.message && <Fact name="Rider reads">{trip.message}</Fact>}
      </Facts>
    </Section>
  );
}
