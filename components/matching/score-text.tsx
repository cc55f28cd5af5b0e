import { Tooltip } from "#components/ui/tooltip.tsx";
import type { ScoreParts } from "#server/contracts/matching.ts";

const signed = (seconds: number) => (seconds < 0 ? `− ${-seconds}` : `+ ${seconds}`);

/** `131 s`, and on hover or focus what it is made of: the lowest is asked first. */
export function ScoreText({ score, parts }: { score: number | null; parts: ScoreParts | null }) {
  if (score === null) return <span className="text-faint">–</span>;
  const text = <span className="font-mono text-xs">{score}</span>;
  if (parts === null) return text;
  return (
    <Tooltip label={<PartsOfScore parts={parts} score={score} />}>
      <button
        type="button"
        aria-label={`Score ${score} seconds: what it is made of`}
        className="rounded-sm underline decoration-line-strong decoration-dotted underline-offset-4"
      >
        {text}
      </button>
    </Tooltip>
  );
}

function PartsOfScore({ parts, score }: { parts: ScoreParts; score: number }) {
  const lines = [
    [parts.estimated ? "To the pick-up, straight line" : "To the pick-up, by route", `${parts.pickUp}`],
    ["Offers not taken", signed(parts.unanswered)],
    ["Trips given up", signed(parts.dropped)],
    ["Waited for a trip", signed(parts.idle)],
    ["Score, s: lowest first", `= ${score}`],
  ] as const;
  return (
    <dl className="py-0.5">
      {lines.map(([name, value]) => (
        <div key={name} className="flex gap-4">
          <dt className="flex-1 text-muted">{name}</dt>
          <dd className="font-mono">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
