import { cx } from "#components/ui/class-names.ts";
import { formatSeconds } from "#components/ui/duration.ts";
import { HUE_CLASS, TRIP_LOOK } from "#components/ui/state-hues.ts";
import { StateDot } from "#components/ui/state-pill.tsx";
import { Moment, Since } from "#components/ui/time.tsx";
import type { Trip, TripStatus } from "#server/contracts/trips.ts";

interface Step {
  readonly status: TripStatus;
  readonly at: string | null;
}

/** The steps that were taken, in order; a trip that ended early stops at how it ended. */
function stepsOf(trip: Trip): Step[] {
  const steps: Step[] = [
    { status: "pending", at: trip.createdAt },
    { status: "accepted", at: trip.acceptedAt },
    { status: "arrived", at: trip.arrivedAt },
    { status: "ongoing", at: trip.startedAt },
  ];
  if (trip.status === "cancelled" || trip.status === "expired") {
    return [...steps.filter((step) => step.at !== null), { status: trip.status, at: trip.endedAt }];
  }
  return [...steps, { status: "completed", at: trip.endedAt }];
}

/** Where the trip is, when it got to each state, and how long each took. */
export function TripProgress({ trip }: { trip: Trip }) {
  const steps = stepsOf(trip);
  return (
    <ol aria-label="Progress" className="flex overflow-x-auto border-b max-sm:flex-col">
      {steps.map((step, index) => {
        const look = TRIP_LOOK[step.status];
        const current = step.status === trip.status;
        const next = steps[index + 1];
        return (
          <li
            key={step.status}
            aria-current={current ? "step" : undefined}
            className={cx(
              "relative min-w-32 flex-1 border-l px-4 py-2.5 first:border-l-0 max-sm:flex max-sm:items-center max-sm:gap-3 max-sm:border-t max-sm:border-l-0 max-sm:py-1.5 max-sm:first:border-t-0",
              HUE_CLASS[look.hue],
              current && "bg-(--hue-soft)",
            )}
          >
            <p
              className={cx(
                "flex items-center gap-1.5 max-sm:w-28",
                current ? "font-semibold text-(--hue-ink)" : step.at ? "font-medium" : "text-faint",
              )}
            >
              <StateDot look={step.at || current ? look : { label: look.label, hue: "completed", hollow: true }} />
              {look.label}
            </p>
            <p className="max-sm:flex-1">
              {step.at ? (
                <Moment at={step.at} className={current ? "" : "text-muted"} />
              ) : (
                <span className="text-faint">–</span>
              )}
            </p>
            <p className={cx("text-xs", current ? "text-(--hue-ink)" : "text-faint")}>
              <StepLength step={step} next={next} current={current} trip={trip} />
            </p>
          </li>
        );
      })}
    </ol>
  );
}

interface StepLengthProps {
  readonly step: Step;
  readonly next: Step | undefined;
  readonly current: boolean;
  readonly trip: Trip;
}

function StepLength({ step, next, current, trip }: StepLengthProps) {
  if (!step.at || (current && trip.endedAt !== null)) return <>&nbsp;</>;
  if (current) {
    if (trip.status === "pending" && trip.scheduledAt)
      return (
        <>
          for a pick-up at <Moment at={trip.scheduledAt} />
        </>
      );
    return (
      <>
        for <Since from={step.at} />
      </>
    );
  }
  if (!next?.at) return <>&nbsp;</>;
  return <>took {formatSeconds((Date.parse(next.at) - Date.parse(step.at)) / 1000)}</>;
}
