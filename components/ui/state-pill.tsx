import type { TripStatus } from "#server/contracts/trips.ts";
import { cx } from "./class-names.ts";
import { HUE_CLASS, type StateLook, TRIP_LOOK } from "./state-hues.ts";

/** The dot that stands for a state wherever there is no room for its name. */
export function StateDot({ look, className }: { look: StateLook; className?: string }) {
  return (
    <span
      aria-hidden
      className={cx(
        "inline-block size-2 shrink-0 rounded-full",
        HUE_CLASS[look.hue],
        look.hollow ? "border-(--hue) border-2" : "bg-(--hue)",
        className,
      )}
    />
  );
}

export function StatePill({ look }: { look: StateLook }) {
  return (
    <span
      className={cx(
        "inline-flex h-5 items-center gap-1.5 whitespace-nowrap rounded-sm bg-(--hue-soft) px-1.5 font-medium text-(--hue-ink) text-xs",
        HUE_CLASS[look.hue],
      )}
    >
      <StateDot look={look} />
      {look.label}
    </span>
  );
}

export const TripPill = ({ status }: { status: TripStatus }) => <StatePill look={TRIP_LOOK[status]} />;
