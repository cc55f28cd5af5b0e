"use client";

import { useQuery } from "@tanstack/react-query";
import { Command } from "cmdk";
import { Keyboard, LogOut, Palette } from "lucide-react";
import { useRouter } from "next/navigation";
import { signOut } from "next-auth/react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useDeferredValue, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { errorWords } from "#components/ui/error-words.ts";
import { Kbd } from "#components/ui/kbd.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import { TRIP_LOOK } from "#components/ui/state-hues.ts";
import { StateDot } from "#components/ui/state-pill.tsx";
import { useRooms } from "./rooms.ts";
import { openShell } from "./shell-events.ts";
import { THEMES, useTheme } from "./theme.tsx";

const GROUP =
  "[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-faint [&_[cmdk-group-heading]]:text-xs";
const ITEM =
  "flex min-h-8 cursor-pointer items-center gap-2 rounded-md px-2 data-[selected=true]:bg-hover pointer-coarse:min-h-11 [&_svg]:size-4 [&_svg]:shrink-0 [&_svg]:text-faint";

interface CommandPaletteProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

export function CommandPalette({ open, onOpenChange }: CommandPaletteProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-50 animate-fade bg-black/30 dark:bg-black/55" />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed inset-x-2 top-2 z-50 animate-rise overflow-hidden rounded-lg bg-raised shadow-float sm:top-[14vh] sm:right-auto sm:left-1/2 sm:w-150 sm:-translate-x-1/2"
        >
          <Radix.Title className="sr-only">Search trips, drivers, rooms and actions</Radix.Title>
          <PaletteBody onDone={() => onOpenChange(false)} />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function PaletteBody({ onDone }: { onDone: () => void }) {
  const router = useRouter();
  const { setTheme } = useTheme();
  const allRooms = useRooms().all;
  const [text, setText] = useState("");
  const q = useDeferredValue(text.trim());
  const trpc = useTRPC();
  const search = q.length >= 2;
  const found = useQuery({
    ...trpc.search.palette.queryOptions({ q }),
    enabled: search,
    staleTime: 10_000,
    placeholderData: (previous) => previous,
  });
  const go = (href: string) => () => {
    onDone();
    router.push(href);
  };
  const run = (action: () => unknown) => () => {
    onDone();
    action();
  };
  const matches = (...words: string[]) => words.join(" ").toLowerCase().includes(text.trim().toLowerCase());
  const rooms = allRooms.filter((room) => matches(room.label, room.also));
  const actions: { label: string; also: string; icon: ReactNode; do: () => unknown }[] = [
    ...THEMES.map(({ value, label }) => ({
      label: `Theme: ${label.toLowerCase()}`,
      also: "appearance colour mode",
      icon: <Palette aria-hidden />,
      do: () => setTheme(value),
    })),
    {
      label: "Keyboard shortcuts",
      also: "help keys",
      icon: <Keyboard aria-hidden />,
      do: () => openShell("shortcuts"),
    },
    {
      label: "Sign out",
      also: "log out leave",
      icon: <LogOut aria-hidden />,
      do: () => signOut({ callbackUrl: "/sign-in" }),
    },
  ].filter((action) => matches(action.label, action.also));
  const trips = search ? (found.data?.trips ?? []) : [];
  const drivers = search ? (found.data?.drivers ?? []) : [];

  return (
    // The server has matched trips and drivers already, and the rest is matched above: cmdk must not filter again.
    <Command shouldFilter={false} label="Search" loop>
      <Command.Input
        autoFocus
        value={text}
        onValueChange={setText}
        placeholder="Trip ref, driver, phone, plate, room or action"
        className="h-11 w-full border-b bg-transparent px-4 text-lg outline-none placeholder:text-faint"
      />
      <Command.List className="max-h-[min(420px,60dvh)] overflow-y-auto p-1">
        {search && found.isPending && (
          <div className="space-y-3 p-2 py-3" role="status" aria-label="Searching">
            <Skeleton className="w-2/3" />
            <Skeleton className="w-1/2" />
          </div>
        )}
        {search && found.isError && (
          <p role="alert" className="px-2 py-2 text-danger">
            Trips and drivers could not be searched: {errorWords(found.error)}
          </p>
        )}
        {!found.isFetching && trips.length + drivers.length + rooms.length + actions.length === 0 && (
          <Command.Empty className="px-2 py-6 text-muted">
            Nothing matches “{text}”. Try a trip ref, the start of a name, a phone number or a plate.
          </Command.Empty>
        )}
        {trips.length > 0 && (
          <Command.Group heading="Trips" className={GROUP}>
            {trips.map((trip) => (
              <Command.Item key={trip.id} value={`trip ${trip.id}`} onSelect={go(`/trips/${trip.id}`)} className={ITEM}>
                <StateDot look={TRIP_LOOK[trip.status]} />
                <span className="font-mono text-xs">{trip.refId}</span>
                <span className="min-w-0 flex-1 truncate text-muted">{trip.label}</span>
                <span className="text-faint text-xs">{TRIP_LOOK[trip.status].label}</span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
        {drivers.length > 0 && (
          <Command.Group heading="Drivers" className={GROUP}>
            {drivers.map((driver) => (
              <Command.Item
                key={driver.id}
                value={`driver ${driver.id}`}
                onSelect={go(`/map?driver=${driver.id}`)}
                className={ITEM}
              >
                <span className="min-w-0 flex-1 truncate">{driver.name}</span>
                <span className="font-mono text-faint text-xs">{driver.phone}</span>
                <span className="font-mono text-faint text-xs">{driver.plate}</span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
        {rooms.length > 0 && (
          <Command.Group heading="Go to" className={GROUP}>
            {rooms.map(({ href, label, icon: Icon, key }) => (
              <Command.Item key={href} value={`room ${href}`} onSelect={go(href)} className={ITEM}>
                <Icon aria-hidden />
                <span className="flex-1">{label}</span>
                <span className="flex gap-1 max-sm:hidden">
                  <Kbd>g</Kbd>
                  <Kbd>{key}</Kbd>
                </span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
        {actions.length > 0 && (
          <Command.Group heading="Do" className={GROUP}>
            {actions.map((action) => (
              <Command.Item key={action.label} value={`do ${action.label}`} onSelect={run(action.do)} className={ITEM}>
                {action.icon}
                <span className="flex-1">{action.label}</span>
              </Command.Item>
            ))}
          </Command.Group>
        )}
      </Command.List>
      <p className="flex items-center gap-1.5 border-t px-3 py-1.5 text-faint text-xs max-sm:hidden">
        <Kbd>↑</Kbd>
        <Kbd>↓</Kbd> move <Kbd>Enter</Kbd> open
      </p>
    </Command>
  );
}
