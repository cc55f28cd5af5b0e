"use client";

import { TripRef } from "#components/trips/trip-columns.tsx";
import { placeLabel } from "#components/trips/trip-facts.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { EmptyState } from "#components/ui/notice.tsx";
import { Section } from "#components/ui/section.tsx";
import { DRIVER_LOOK } from "#components/ui/state-hues.ts";
import { StatePill, TripPill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Ago, Since } from "#components/ui/time.tsx";
import type { LiveDriver, LiveTrip } from "#server/contracts/console.ts";

/** More than one reads; the Trips and Drivers rooms page through all of them. */
const SHOWN = 200;
const none = <span className="text-faint">–</span>;

const TRIP_COLUMNS: readonly Column<LiveTrip>[] = [
  { id: "ref", header: "Trip", cell: (trip) => <TripRef id={trip.id} refId={trip.refId} />, className: "w-28" },
  { id: "status", header: "State", cell: (trip) => <TripPill status={trip.status} />, className: "w-28" },
  {
    id: "since",
    header: "Since request",
    align: "right",
    cell: (trip) => <Since from={trip.createdAt} />,
    className: "w-32",
  },
  { id: "driver", header: "Driver", cell: (trip) => trip.driverName ?? none, className: "max-w-44" },
  { id: "from", header: "From", cell: (trip) => placeLabel(trip.pickup), className: "max-w-64" },
  { id: "to", header: "To", cell: (trip) => placeLabel(trip.destination), className: "max-w-64" },
];

const DRIVER_COLUMNS: readonly Column<LiveDriver>[] = [
  {
    id: "name",
    header: "Driver",
    cell: (driver) => <span className="font-medium">{driver.name}</span>,
    className: "max-w-52",
  },
  { id: "state", header: "State", cell: (driver) => <StatePill look={DRIVER_LOOK[driver.state]} />, className: "w-32" },
  {
    id: "plate",
    header: "Plate",
    cell: (driver) => (driver.plate ? <span className="font-mono text-xs">{driver.plate}</span> : none),
    className: "w-28",
  },
  { id: "category", header: "Category", cell: (driver) => driver.category ?? none, className: "w-28" },
  {
    id: "position",
    header: "Position",
    cell: (driver) => (
      <span className="font-mono text-xs">
        {driver.lat.toFixed(4)}, {driver.lng.toFixed(4)}
      </span>
    ),
    className: "w-40",
  },
  {
    id: "seen",
    header: "Last seen",
    align: "right",
    cell: (driver) => <Ago at={driver.updatedAt} className="text-muted" />,
    className: "w-32",
  },
];

const oldestFirst = (a: LiveTrip, b: LiveTrip) => a.createdAt.localeCompare(b.createdAt);
const byName = (a: LiveDriver, b: LiveDriver) => a.name.localeCompare(b.name);

interface FleetListProps {
  readonly drivers: readonly LiveDriver[];
  /** All that pass the filters, by state; more than are listed when there are too many to tell one by one. */
  readonly counts: Readonly<Partial<Record<string, number>>>;
  readonly trips: readonly LiveTrip[];
  readonly selected: string | null;
  readonly onDriver: (id: string) => void;
  readonly onTrip: (id: string) => void;
}

/** The map as two tables: the same drivers and trips, for a screen reader, a phone, or a quick look down a column. */
export function FleetList({ drivers, counts, trips, selected, onDriver, onTrip }: FleetListProps) {
  const all = Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const cut = (count: number) => count > SHOWN && `the first ${SHOWN}`;
  return (
    <div className="min-h-0 min-w-0 flex-1 overflow-auto">
      <Section id="fleet-trips" title="Trips" count={trips.length} note={cut(trips.length)}>
        <DataTable
          caption="Trips on the map"
          columns={TRIP_COLUMNS}
          rows={[...trips].sort(oldestFirst).slice(0, SHOWN)}
          rowKey={(trip) => trip.id}
          activeKey={selected}
          onOpen={(trip) => onTrip(trip.id)}
          compact={(trip) => (
            <>
              <p className="flex items-center gap-2">
                <TripRef id={trip.id} refId={trip.refId} />
                <TripPill status={trip.status} />
                <span className="ml-auto text-muted text-xs">
                  <Since from={trip.createdAt} />
                </span>
              </p>
              <p className="truncate text-muted">
                {placeLabel(trip.pickup)} → {placeLabel(trip.destination)}
              </p>
            </>
          )}
          empty={
            <EmptyState title="No trip here">
              Change the filters, or wait: the next request appears by itself.
            </EmptyState>
          }
        />
      </Section>
      <Section id="fleet-drivers" title="Drivers" count={all} note={cut(drivers.length)}>
        <DataTable
          caption="Drivers on the map"
          columns={DRIVER_COLUMNS}
          rows={[...drivers].sort(byName).slice(0, SHOWN)}
          rowKey={(driver) => driver.id}
          activeKey={selected}
          onOpen={(driver) => onDriver(driver.id)}
          compact={(driver) => (
            <p className="flex items-center gap-2">
              <span className="min-w-0 flex-1 truncate font-medium">{driver.name}</span>
              <StatePill look={DRIVER_LOOK[driver.state]} />
            </p>
          )}
          empty={
            all > 0 ? (
              <EmptyState title={`${all.toLocaleString("en")} drivers are too many for a list`}>
                Choose a zone, a state or a category; the Drivers room pages through all of them.
              </EmptyState>
            ) : (
              <EmptyState title="No driver here">
                Change the filters to see drivers in other states or zones.
              </EmptyState>
            )
          }
        />
      </Section>
    </div>
  );
}
