"use client";

import { X } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { TRIP_HUES } from "#components/map/map-palette.ts";
import { Fact, placeLabel } from "#components/trips/trip-facts.tsx";
import { Button } from "#components/ui/button.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { formatMeters, formatSeconds } from "#components/ui/duration.ts";
import { DRIVER_LOOK } from "#components/ui/state-hues.ts";
import { StatePill, TripPill } from "#components/ui/state-pill.tsx";
import { Ago, Since } from "#components/ui/time.tsx";
import type { LiveDriver, LiveTrip } from "#server/contracts/console.ts";
import type { TripWay } from "#server/contracts/trip-way.ts";
import { mapStatus } from "./map-trip.ts";

const none = <span className="text-faint">–</span>;
const KMH_PER_MPS = 3.6;

interface PanelProps {
  readonly title: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

function Panel({ title, onClose, children, actions }: PanelProps) {
  return (
    <aside
      aria-label="Selected on the map"
      className="absolute inset-x-0 bottom-0 z-20 max-h-[55%] animate-rise overflow-y-auto border-t bg-surface sm:static sm:max-h-none sm:w-80 sm:shrink-0 sm:animate-none sm:border-t-0 sm:border-l"
    >
      <header className="flex min-h-11 items-center gap-2 pr-2 pl-4">
        <h2 className="min-w-0 flex-1 truncate font-semibold">{title}</h2>
        <Button variant="ghost" size="icon" aria-label="Close the panel" onClick={onClose}>
          <X aria-hidden />
        </Button>
      </header>
      <dl className="px-4 pb-3">{children}</dl>
      {actions && <footer className="flex flex-wrap gap-2 border-t px-4 py-3">{actions}</footer>}
    </aside>
  );
}

const HOUR_MS = 3600_000;
const MINUTE_MS = 60_000;

/** With its times, so that a colleague who is sent the link sees the same hour. */
function lastHourOf(driverId: string): string {
  const to = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  const iso = (ms: number) => encodeURIComponent(new Date(ms).toISOString());
  return `/map/replay?driver=${driverId}&from=${iso(to - HOUR_MS)}&to=${iso(to)}`;
}

interface DriverPanelProps {
  readonly driver: LiveDriver;
  readonly trip: LiveTrip | undefined;
  readonly onClose: () => void;
  readonly onTrip: (id: string) => void;
  readonly onCentre: () => void;
}

export function DriverPanel({ driver, trip, onClose, onTrip, onCentre }: DriverPanelProps) {
  return (
    <Panel
      title={driver.name}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onCentre}>Centre on driver</Button>
          <Button asChild>
            <Link href={lastHourOf(driver.id)}>Replay the last hour</Link>
          </Button>
          {driver.tripId && (
            <Button asChild>
              <Link href={`/trips/${driver.tripId}`}>Open trip</Link>
            </Button>
          )}
        </>
      }
    >
      <Fact name="State">
        <StatePill look={DRIVER_LOOK[driver.state]} />
      </Fact>
      <Fact name="Last seen">
        <Ago at={driver.updatedAt} />
      </Fact>
      <Fact name="Speed">
        {driver.speed === null ? (
          none
        ) : (
          <span className="font-mono">{Math.round(driver.speed * KMH_PER_MPS)} km/h</span>
        )}
      </Fact>
      <Fact name="Phone">
        <Copyable value={driver.phone} what="phone" />
      </Fact>
      <Fact name="Plate">{driver.plate ? <span className="font-mono text-xs">{driver.plate}</span> : none}</Fact>
      <Fact name="Category">{driver.category ?? none}</Fact>
      {trip && (
        <Fact name="Trip">
          <button
            type="button"
            onClick={() => onTrip(trip.id)}
            className="font-mono text-accent-ink text-xs hover:underline"
          >
            {trip.refId}
          </button>{" "}
          <TripPill status={trip.status} />
        </Fact>
      )}
    </Panel>
  );
}

interface TripPanelProps {
  readonly trip: LiveTrip;
  readonly way: TripWay | null;
  /** What was driven of it is on the map. */
  readonly driven: boolean;
  readonly onClose: () => void;
  readonly onDriver: (id: string) => void;
  readonly onCentre: () => void;
}

export function TripPanel({ trip, way, driven, onClose, onDriver, onCentre }: TripPanelProps) {
  return (
    <Panel
      title={<span className="font-mono">{trip.refId}</span>}
      onClose={onClose}
      actions={
        <>
          <Button asChild variant="primary">
            <Link href={`/trips/${trip.id}`}>Open trip</Link>
          </Button>
          <Button onClick={onCentre}>Show the way</Button>
        </>
      }
    >
      <Fact name="State">
        <TripPill status={trip.status} />
      </Fact>
      <Fact name={trip.status === "pending" ? "Waiting" : "Requested"}>
        {trip.status === "pending" ? <Since from={trip.createdAt} /> : <Ago at={trip.createdAt} />}
      </Fact>
      <Fact name="From">{placeLabel(trip.pickup)}</Fact>
      <Fact name="To">{placeLabel(trip.destination)}</Fact>
      <Fact name="Driver">
        {trip.driverId ? (
          <button
            type="button"
            onClick={() => trip.driverId && onDriver(trip.driverId)}
            className="text-left text-accent-ink hover:underline"
          >
            {trip.driverName ?? "Show the driver"}
          </button>
        ) : (
          <span className="text-muted">No driver yet</span>
        )}
      </Fact>
      {way?.eta && (
        <Fact name="ETA">
          {formatSeconds(way.eta.seconds)} to the {way.eta.to} · {formatMeters(way.eta.distanceMeters)}
          <p className="text-faint text-xs">
            {source(way.eta.estimated)}
            {way.eta.passesStops && ", stops not counted"}, from where they were <Ago at={way.eta.at} />
          </p>
        </Fact>
      )}
      {way && (
        <Fact name="Planned">
          {formatMeters(way.planned.distanceMeters)} · {formatSeconds(way.planned.durationSeconds)}
          <p className="text-faint text-xs">{source(way.planned.estimated)}</p>
        </Fact>
      )}
      {driven && (
        <Fact name="On the map">
          <ul className="text-muted text-xs leading-5">
            <li className="flex items-center gap-2">
              <span aria-hidden className="w-6 rounded-full border-accent border-t-4 opacity-75" /> Driven
            </li>
            <li className="flex items-center gap-2">
              <span
                aria-hidden
                className="w-6 border-t-2 border-dashed"
                style={{ borderColor: `var(${TRIP_HUES[mapStatus(trip.status)][0]})` }}
              />
              Planned
            </li>
          </ul>
        </Fact>
      )}
    </Panel>
  );
}

const source = (estimated: boolean) => (estimated ? "Straight-line estimate at 40 km/h" : "By road");

/** A link to someone who is not on the map now. */
export function GonePanel({ kind, onClose }: { kind: "driver" | "trip"; onClose: () => void }) {
  return (
    <Panel title={kind === "driver" ? "Driver not on the map" : "Trip not on the map"} onClose={onClose}>
      <p className="text-muted">
        {kind === "driver"
          ? "This driver is offline or has sent no position. Their record is in the drivers list."
          : "This trip has ended. Its page keeps everything that happened."}
      </p>
    </Panel>
  );
}
