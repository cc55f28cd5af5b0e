"use client";

import { useRouter } from "next/navigation";
import { type ReactNode, useEffect, useState } from "react";
import { useHotkeys } from "#components/ui/hotkeys.ts";
import { Toaster } from "#components/ui/toaster.tsx";
import { TooltipProvider } from "#components/ui/tooltip.tsx";
import { BottomBar } from "./bottom-bar.tsx";
import { CommandPalette } from "./command-palette.tsx";
import { ConnectionBanner } from "./connection-banner.tsx";
import { Rail } from "./rail.tsx";
import { useRooms } from "./rooms.ts";
import { onOpenShell, type ShellSheet } from "./shell-events.ts";
import { ShortcutsSheet } from "./shortcuts-sheet.tsx";

interface ShellProps {
  /** From the cookie, so that the server draws the rail as it was left. */
  readonly railCollapsed: boolean;
  readonly children: ReactNode;
}

const YEAR_S = 365 * 24 * 3600;

export function Shell({ railCollapsed, children }: ShellProps) {
  const router = useRouter();
  const rooms = useRooms().all;
  const [collapsed, setCollapsed] = useState(railCollapsed);
  const [sheet, setSheet] = useState<ShellSheet | null>(null);
  const toggleRail = () => {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not in every browser we serve
    document.cookie = `rail=${collapsed ? "wide" : "narrow"}; path=/; max-age=${YEAR_S}; samesite=lax`;
    setCollapsed(!collapsed);
  };
  const sheetProps = (name: ShellSheet) => ({
    open: sheet === name,
    onOpenChange: (open: boolean) => setSheet(open ? name : null),
  });

  useEffect(() => onOpenShell(setSheet), []);
  useEffect(() => {
    // Works inside fields too, unlike the plain keys.
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey)
        return;
      event.preventDefault();
      setSheet((open) => (open === "palette" ? null : "palette"));
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  useHotkeys({
    "?": () => setSheet("shortcuts"),
    "[": toggleRail,
    "/": () => {
      const search = document.querySelector<HTMLInputElement>("[data-room-search]");
      search?.focus();
      return search !== null;
    },
    ...Object.fromEntries(rooms.map((room) => [`g ${room.key}`, () => router.push(room.href)])),
  });

  return (
    <TooltipProvider>
      <a
        href="#room"
        className="sr-only z-60 rounded-md bg-raised px-3 py-2 shadow-float focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the room
      </a>
      <div className="flex h-dvh flex-col overflow-hidden md:flex-row">
        <Rail collapsed={collapsed} onToggle={toggleRail} onSearch={() => setSheet("palette")} />
        <div className="flex min-h-0 min-w-0 flex-1 flex-col">
          <ConnectionBanner />
          <main id="room" tabIndex={-1} className="min-h-0 flex-1 outline-none">
            {children}
          </main>
        </div>
        <BottomBar
          moreOpen={sheet === "more"}
          onMore={(open) => setSheet(open ? "more" : null)}
          onSearch={() => setSheet("palette")}
        />
      </div>
      <CommandPalette {...sheetProps("palette")} />
      <ShortcutsSheet {...sheetProps("shortcuts")} />
      <Toaster />
    </TooltipProvider>
  );
}
