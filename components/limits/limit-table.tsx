import { LIMIT_SCOPES } from "#server/contracts/limits.ts";
import { countedBy, limitWords, whenAway } from "./limit-words.ts";

/** The table that every door reads, as it is in force. */
export function LimitTable() {
  return (
    <table className="w-full border-separate border-spacing-0">
      <caption className="sr-only">Limits in force</caption>
      <thead>
        <tr className="text-left text-faint text-xs">
          <th scope="col" className="h-8 border-b px-4 font-medium">
            Scope
          </th>
          <th scope="col" className="h-8 border-b px-2 font-medium">
            Calls
          </th>
          <th scope="col" className="h-8 border-b px-2 pr-4 font-medium">
            For each
          </th>
        </tr>
      </thead>
      <tbody className="[&>tr:last-child>td]:border-b-0">
        {LIMIT_SCOPES.map((scope) => (
          <tr key={scope} title={`Without Redis: ${whenAway(scope)}`}>
            <td className="h-8 border-b px-4 font-mono text-xs">{scope}</td>
            <td className="border-b px-2 py-1 tabular-nums">{limitWords(scope)}</td>
            <td className="border-b px-2 pr-4 text-muted">{countedBy(scope)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
