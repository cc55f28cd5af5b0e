"use client";

import { parseAsArrayOf, parseAsString, parseAsStringLiteral, useQueryStates } from "nuqs";
import type { RouterInputs } from "#components/data/trpc.ts";
import { TRIP_STATES } from "#components/ui/state-hues.ts";
import type { TripStatus } from "#server/contracts/trips.ts";

/** Ready-made sets of states; a set chosen by hand matches none of them. */
export const TRIP_VIEWS = [
  { value: "all", label: "All", states: [] },
  { value: "waiting", label: "Waiting", states: ["pending"] },
  { value: "live", label: "Live", states: ["pending", "accepted", "arrived", "ongoing"] },
  { value: "ended", label: "Ended", states: ["completed", "cancelled", "expired"] },
] as const satisfies readonly { value: string; label: string; states: readonly TripStatus[] }[];

export type TripView = (typeof TRIP_VIEWS)[number]["value"];

const sameSet = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((each) => b.includes(each));

/** The Trips list's filters, kept in the URL. */
export function useTripFilters() {
  const [filters, setFilters] = useQueryStates({
    status: parseAsArrayOf(parseAsStringLiteral(TRIP_STATES)).withDefault([]),
    q: parseAsString.withDefault(""),
    zone: parseAsString,
    sort: parseAsStringLiteral(["newest", "oldest"]).withDefault("newest"),
  });
  const input = {
    sort: filters.sort,
    ...(filters.status.length > 0 ? { status: filters.status } : {}),
    ...(filters.q ? { q: filters.q } : {}),
    ...(filters.zone ? { zoneId: filters.zone } : {}),
  } satisfies RouterInputs["trips"]["list"];
  const view: TripView | "" = TRIP_VIEWS.find((each) => sameSet(each.states, filters.status))?.value ?? "";
  const any = filters.status.length > 0 || filters.q !== "" || filters.zone !== null;
  return { filters, setFilters, input, view, any };
}
