"use client";

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { formatAmount } from "#components/ui/money.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import type { Column } from "#components/ui/table-types.ts";
import type { FareRow, FareView, TariffInput } from "#server/contracts/fares.ts";
import { FareDrawer } from "./fare-drawer.tsx";

/** `12.00 + 5.50/km + 0.60/min`, in the zone's currency. */
const tariffText = (tariff: TariffInput, currency: string) => {
  const amount = (minor: number) => formatAmount({ amount: minor, currency });
  return `${amount(tariff.baseFare)} + ${amount(tariff.farePerKm)}/km + ${amount(tariff.farePerMin)}/min`;
};

interface Opened {
  readonly zoneId: string | null;
  readonly categoryId: string;
}

/** `open`: null for who may only look. */
function columnsOf(view: FareView, open: ((opened: Opened) => void) | null): readonly Column<FareRow>[] {
  const general = view.rows.find((row) => row.zoneId === null);
  return [
    {
      id: "zone",
      header: "Zone",
      cell: (row) => (
        <>
          <span className="font-medium">{row.zoneName}</span> <span className="text-faint text-xs">{row.currency}</span>
          {!row.isActive && <span className="text-faint"> · closed</span>}
        </>
      ),
      className: "min-w-40",
    },
    ...view.categories.map(
      (category): Column<FareRow> => ({
        id: category.code,
        header: category.name,
        cell: (row) => {
          const own = row.fares.find((fare) => fare.categoryId === category.id)?.own ?? null;
          const inherited = general?.fares.find((fare) => fare.categoryId === category.id)?.own ?? null;
          const shown = own ?? inherited;
          const text =
            shown === null ? (
              <span className="text-faint">no fare</span>
            ) : (
              <span className={own === null ? "text-faint" : "font-semibold"}>{tariffText(shown, row.currency)}</span>
            );
          if (open === null) return <span className="whitespace-nowrap font-mono text-xs">{text}</span>;
          return (
            <button
              type="button"
              onClick={() => open({ zoneId: row.zoneId, categoryId: category.id })}
              aria-label={`${category.name} in ${row.zoneName}: change the fare`}
              className="-mx-1 whitespace-nowrap rounded-sm px-1 font-mono text-xs hover:bg-hover"
            >
              {text}
            </button>
          );
        },
        className: "min-w-64",
      }),
    ),
  ];
}

/** What each zone charges for each kind of car; what is muted it has from the general fare. */
export function FaresRoom() {
  const trpc = useTRPC();
  const view = useQuery(trpc.pricing.fares.queryOptions());
  const [opened, setOpened] = useState<Opened | null>(null);
  const mayChange = useCan("zones.manage");
  const columns = useMemo(
    () => (view.data === undefined ? [] : columnsOf(view.data, mayChange ? setOpened : null)),
    [view.data, mayChange],
  );
  const row = view.data?.rows.find(({ zoneId }) => opened !== null && zoneId === opened.zoneId);
  const category = view.data?.categories.find(({ id }) => id === opened?.categoryId);
  const fareOf = (of: FareRow | undefined) => of?.fares.find((fare) => fare.categoryId === category?.id)?.own ?? null;
  return (
    <Room title="Fares" age={<LiveAge at={view.dataUpdatedAt} live={false} />}>
      {view.isError && !view.data ? (
        <ErrorState what="The fares" error={view.error} onRetry={() => void view.refetch()} />
      ) : (
        <DataTable
          caption="Fares by zone and vehicle category"
          columns={columns}
          rows={view.data?.rows}
          rowKey={({ zoneId }) => zoneId ?? "general"}
          expectedRows={8}
          compact={(zone) => (
            <>
              <p className="font-medium">{zone.zoneName}</p>
              {columns.slice(1).map((column) => (
                <p key={column.id} className="flex gap-2 text-xs">
                  <span className="w-20 text-muted">{column.header}</span>
                  {column.cell(zone)}
                </p>
              ))}
            </>
          )}
          empty={<EmptyState title="No zones yet">Fares come with zones.</EmptyState>}
        />
      )}
      {row && category && (
        <FareDrawer
          key={`${row.zoneId}:${category.id}:${fareOf(row)?.version ?? 0}`}
          zone={row}
          category={category}
          own={fareOf(row)}
          general={row.zoneId === null ? null : fareOf(view.data?.rows.find(({ zoneId }) => zoneId === null))}
          onClose={() => setOpened(null)}
        />
      )}
    </Room>
  );
}
