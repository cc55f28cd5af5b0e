import type { Model, Operation } from "#server/testing/linearizability.ts";

/** One trip as its register: who has it, and how often it changed. */
export interface TripState {
  readonly status: "pending" | "accepted" | "cancelled";
  readonly driver: string | null;
  readonly version: number;
}

export type TripInput =
  | { readonly op: "accept"; readonly driver: string }
  | { readonly op: "release" }
  | { readonly op: "cancel" }
  | { readonly op: "read" };

/** What the client was told. `refused` is any refusal that depends on more than this trip: it says nothing. */
export type TripOutput =
  | { readonly kind: "accepted"; readonly version: number }
  | { readonly kind: "already" }
  | { readonly kind: "ok"; readonly version: number }
  | { readonly kind: "refused" }
  /** The trip was not at the version that was sent along: nothing changed, nothing more is known. */
  | { readonly kind: "conflict" }
  | { readonly kind: "state"; readonly state: TripState };

export type TripOperation = Operation<TripInput, TripOutput>;

function stepAccept(state: TripState, driver: string, output: TripOutput | null): TripState[] {
  const mine = state.status === "accepted" && state.driver === driver;
  const taken: TripState = { status: "accepted", driver, version: state.version + 1 };
  // Unknown: it may have been given, or have changed nothing.
  if (output === null) return state.status === "pending" ? [taken, state] : [state];
  if (output.kind === "accepted") return state.status === "pending" && output.version === taken.version ? [taken] : [];
  if (output.kind === "already") return mine ? [state] : [];
  // Refused though it was free: this driver had another trip, or the lock was another's for a moment. Never when it is theirs.
  return mine ? [] : [state];
}

function stepChange(state: TripState, op: "release" | "cancel", output: TripOutput | null): TripState[] {
  const allowed = op === "release" ? state.status === "accepted" : state.status !== "cancelled";
  const changed: TripState = {
    status: op === "release" ? "pending" : "cancelled",
    driver: op === "release" ? null : state.driver,
    version: state.version + 1,
  };
  if (output === null) return allowed ? [changed, state] : [state];
  if (output.kind === "conflict") return [state];
  if (output.kind === "ok") return allowed && output.version >= changed.version ? [changed] : [];
  return allowed ? [] : [state];
}

/** A trip that is given to one driver at a time, released, cancelled and read. */
export const tripModel: Model<TripState, TripInput, TripOutput> = {
  initial: { status: "pending", driver: null, version: 0 },
  keyOf: ({ status, driver, version }) => `${status}:${driver}:${version}`,
  step(state, input, output) {
    switch (input.op) {
      case "accept":
        return stepAccept(state, input.driver, output);
      case "release":
      case "cancel":
        return stepChange(state, input.op, output);
      case "read":
        if (output === null || output.kind !== "state") return [state];
        return this.keyOf(output.state) === this.keyOf(state) ? [state] : [];
    }
  },
};
