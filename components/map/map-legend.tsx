import { DRIVER_LOOK, TRIP_LOOK } from "#components/ui/state-hues.ts";
import { DRIVER_HUES, TRIP_HUES } from "./map-palette.ts";
import type { MapDriverState, MapTripStatus } from "./map-types.ts";

type MapLegendProps = {
  /** What to list, in order. */
  drivers?: readonly MapDriverState[];
  trips?: readonly MapTripStatus[];
  /** How many of each are shown, when the caller knows. */
  driverCounts?: Partial<Readonly<Record<MapDriverState, number>>>;
  className?: string;
};

/** What the marks mean. The shapes are the map's own: an arrow is a driver, a ring a pickup. */
export function MapLegend({
  drivers = ["available", "offered", "on_trip", "stale", "temporarily_offline", "under_review"],
  trips = ["pending", "accepted", "arrived", "ongoing", "attention"],
  driverCounts,
  className,
}: MapLegendProps) {
  return (
    <dl className={`grid gap-x-4 gap-y-2 text-xs text-muted ${className ?? ""}`}>
      <LegendGroup title="Drivers">
        {drivers.map((state) => (
          <li key={state} className="flex items-center gap-1.5">
            <svg
              width="12"
              height="12"
              viewBox="0 0 22 22"
              aria-hidden="true"
              style={{ color: `var(${DRIVER_HUES[state][0]})` }}
            >
              <path d="M11 0 19 20 11 16 3 20Z" fill="currentColor" opacity={state === "stale" ? 0.7 : 1} />
            </svg>
            {DRIVER_LOOK[state].label}
            {driverCounts?.[state] === undefined ? null : (
              <span className="font-mono text-ink">{driverCounts[state].toLocaleString("en")}</span>
            )}
          </li>
        ))}
      </LegendGroup>
      <LegendGroup title="Trips">
        {trips.map((status) => (
          <li key={status} className="flex items-center gap-1.5">
            <svg
              width="10"
              height="10"
              viewBox="0 0 10 10"
              aria-hidden="true"
              style={{ color: `var(${TRIP_HUES[status][0]})` }}
            >
              <circle cx="5" cy="5" r="3.75" fill="none" stroke="currentColor" strokeWidth="2.5" />
            </svg>
            {status === "attention" ? "Needs attention" : TRIP_LOOK[status].label}
          </li>
        ))}
      </LegendGroup>
    </dl>
  );
}

function LegendGroup({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <dt className="text-faint">{title}</dt>
      <dd>
        <ul className="flex flex-wrap gap-x-3 gap-y-1">{children}</ul>
      </dd>
    </div>
  );
}
