"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { Field } from "#components/ui/field.tsx";
import { Input } from "#components/ui/input.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Room } from "#components/ui/room.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { BusinessSetting } from "#server/contracts/console.ts";
import { SETTINGS } from "#server/contracts/settings.ts";

const number = new Intl.NumberFormat("en");

/** What the company decides, not the engineers: each with its bounds, who changed it, and when. */
export function BusinessRoom() {
  const trpc = useTRPC();
  const settings = useQuery(trpc.settings.list.queryOptions());
  const [edited, setEdited] = useState<BusinessSetting | null>(null);
  const columns: readonly Column<BusinessSetting>[] = [
    {
      id: "title",
      header: "Setting",
      cell: ({ key }) => (
        <span className="block py-1.5">
          <span className="font-medium">{SETTINGS[key].title}</span>
          <span className="block whitespace-normal text-muted text-xs">{SETTINGS[key].description}</span>
        </span>
      ),
    },
    {
      id: "value",
      header: "Value",
      align: "right",
      cell: ({ key, value }) => (
        <>
          <span className="font-mono">{number.format(value)}</span> {SETTINGS[key].unit}
        </>
      ),
      className: "w-36",
    },
    {
      id: "fallback",
      header: "Default",
      align: "right",
      cell: ({ key }) => <span className="font-mono text-muted">{number.format(SETTINGS[key].fallback)}</span>,
      className: "w-20",
    },
    {
      id: "by",
      header: "Changed",
      cell: ({ updatedAt, updatedBy }) =>
        updatedAt ? (
          <>
            <Moment at={updatedAt} /> <span className="text-muted">by {updatedBy}</span>
          </>
        ) : (
          <span className="text-faint">never</span>
        ),
      className: "w-56",
    },
    {
      id: "change",
      header: "",
      cell: (setting) => (
        <Button variant="ghost" onClick={() => setEdited(setting)}>
          Change
        </Button>
      ),
      className: "w-24",
    },
  ];
  return (
    <Room title="Business settings" age={<LiveAge at={settings.dataUpdatedAt} live={false} />}>
      {settings.isError && !settings.data ? (
        <ErrorState what="The settings" error={settings.error} onRetry={() => void settings.refetch()} />
      ) : (
        <DataTable
          caption="Business settings"
          columns={columns}
          rows={settings.data}
          rowKey={(setting) => setting.key}
          expectedRows={7}
          compact={(setting) => (
            <>
              <p className="flex items-center gap-2">
                <span className="min-w-0 flex-1 font-medium">{SETTINGS[setting.key].title}</span>
                <span className="shrink-0">
                  <span className="font-mono">{number.format(setting.value)}</span> {SETTINGS[setting.key].unit}
                </span>
              </p>
              <p className="text-muted text-xs">{SETTINGS[setting.key].description}</p>
              <Button variant="ghost" className="-ml-2.5 pointer-coarse:-ml-3.5" onClick={() => setEdited(setting)}>
                Change
              </Button>
            </>
          )}
          empty={<EmptyState title="No settings" />}
        />
      )}
      {edited && <SettingDialog setting={edited} onClose={() => setEdited(null)} />}
    </Room>
  );
}

function SettingDialog({ setting, onClose }: { setting: BusinessSetting; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [text, setText] = useState(String(setting.value));
  const { title, unit, description, min, max, fallback } = SETTINGS[setting.key];
  const set = useMutation(
    trpc.settings.set.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.settings.pathFilter()) }),
  );
  return (
    <ReasonDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      effect={description}
      verb="Save setting"
      unchanged={`It is still ${number.format(setting.value)} ${unit}.`}
      onConfirm={async (reason) => {
        const change = { key: setting.key, value: Number(text), expectedVersion: setting.version };
        await set.mutateAsync({ ...change, reason });
      }}
    >
      <Field
        label={`Value, ${unit}`}
        hint={`From ${number.format(min)} to ${number.format(max)}; the default is ${number.format(fallback)}.`}
      >
        {(id) => (
          <Input
            id={id}
            type="number"
            min={min}
            max={max}
            step={1}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
    </ReasonDialog>
  );
}
