import { Skeleton } from "#components/ui/skeleton.tsx";

const STEPS = ["pending", "accepted", "arrived", "ongoing", "completed"];
const ROWS = Array.from({ length: 8 }, (_, index) => `row-${index}`);

/** The trip page before its first answer: the five steps, a timeline, the facts beside it. */
export function TripSkeleton() {
  return (
    <div role="status" aria-label="Loading the trip">
      <div className="flex border-b max-sm:flex-col">
        {STEPS.map((step) => (
          <div key={step} className="flex-1 space-y-3 border-l px-4 py-4 first:border-l-0">
            <Skeleton className="w-20" />
            <Skeleton className="w-14" />
          </div>
        ))}
      </div>
      <div className="flex max-lg:flex-col">
        <div className="flex-1 space-y-6 p-4">
          {ROWS.map((row) => (
            <div key={row} className="flex gap-4">
              <Skeleton className="w-20" />
              <Skeleton className="w-1/2" />
            </div>
          ))}
        </div>
        <div className="space-y-5 border-l lg:w-80">
          <div className="h-52 animate-breathe bg-hover" />
          <div className="space-y-4 px-4">
            {ROWS.slice(0, 6).map((row) => (
              <Skeleton key={row} className="w-3/4" />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}
