"use client";

import { PanelLeftClose, PanelLeftOpen, Search } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { cx } from "#components/ui/class-names.ts";
import { Kbd } from "#components/ui/kbd.tsx";
import { Tooltip } from "#components/ui/tooltip.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { AlertBadge } from "./alert-badge.tsx";
import { BrandMark } from "./brand-mark.tsx";
import { ALERTS_HREF, isCurrent, type RoomLink, useRooms } from "./rooms.ts";

const ITEM =
  "flex h-7 w-full items-center gap-2 rounded-md px-2 text-muted hover:bg-hover hover:text-ink [&_svg]:size-4 [&_svg]:shrink-0";

interface RailProps {
  readonly collapsed: boolean;
  readonly onToggle: () => void;
  readonly onSearch: () => void;
}

export function Rail({ collapsed, onToggle, onSearch }: RailProps) {
  const rooms = useRooms();
  const Toggle = collapsed ? PanelLeftOpen : PanelLeftClose;
  const toggleLabel = collapsed ? "Widen the rail" : "Narrow the rail";
  return (
    <nav
      aria-label="Rooms"
      className={cx("flex h-full shrink-0 flex-col border-r bg-canvas max-md:hidden", collapsed ? "w-12" : "w-52")}
    >
      <div className="flex h-11 items-center gap-2 px-3">
        <BrandMark />
        {!collapsed && <span className="font-semibold">SmartLine Ops</span>}
      </div>
      <div className="px-2 pb-2">
        <RailHint show={collapsed} label="Search (Ctrl K)">
          <button
            type="button"
            onClick={onSearch}
            aria-label={collapsed ? "Search" : undefined}
            className={cx(ITEM, "border border-line-strong bg-surface")}
          >
            <Search aria-hidden />
            {!collapsed && (
              <>
                <span className="flex-1 text-left">Search</span>
                <Kbd>Ctrl K</Kbd>
              </>
            )}
          </button>
        </RailHint>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2">
        <RailGroup rooms={rooms.main} collapsed={collapsed} />
        <RailGroup title="Operations" rooms={rooms.operations} collapsed={collapsed} />
        <RailGroup title="Zones & fares" rooms={rooms.zones} collapsed={collapsed} />
        <RailGroup title="Settings" rooms={rooms.settings} collapsed={collapsed} />
      </div>
      <div className="space-y-0.5 border-t p-2">
        <RailHint show={collapsed} label={toggleLabel}>
          <button type="button" onClick={onToggle} aria-label={toggleLabel} className={ITEM}>
            <Toggle aria-hidden />
            {!collapsed && <span className="flex-1 text-left">Narrow</span>}
            {!collapsed && <Kbd>[</Kbd>}
          </button>
        </RailHint>
        <AccountMenu collapsed={collapsed} className={ITEM} />
      </div>
    </nav>
  );
}

interface RailGroupProps {
  readonly title?: string;
  readonly rooms: readonly RoomLink[];
  readonly collapsed: boolean;
}

function RailGroup({ title, rooms, collapsed }: RailGroupProps) {
  const pathname = usePathname();
  if (rooms.length === 0) return null;
  const heading = collapsed ? (
    <hr className="mx-1 my-2" />
  ) : (
    <h2 className="px-2 pt-4 pb-1 text-faint text-xs">{title}</h2>
  );
  return (
    <>
      {title && heading}
      <ul className="space-y-0.5">
        {rooms.map(({ href, label, icon: Icon }) => {
          const current = isCurrent(pathname, href);
          return (
            <li key={href}>
              <RailHint show={collapsed} label={label}>
                <Link
                  href={href}
                  aria-label={collapsed ? label : undefined}
                  aria-current={current ? "page" : undefined}
                  className={cx(
                    ITEM,
                    "relative",
                    current && "bg-hover font-medium text-ink! outline outline-line-strong -outline-offset-1",
                  )}
                >
                  <Icon aria-hidden />
                  {!collapsed && label}
                  {href === ALERTS_HREF && <AlertBadge small={collapsed} />}
                </Link>
              </RailHint>
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** A narrow rail shows icons only, so each has its tooltip. */
function RailHint({ show, label, children }: { show: boolean; label: string; children: React.ReactNode }) {
  if (!show) return children;
  return (
    <Tooltip label={label} side="right">
      {children}
    </Tooltip>
  );
}
