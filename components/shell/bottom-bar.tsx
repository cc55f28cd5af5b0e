"use client";

import { Ellipsis, Search } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { cx } from "#components/ui/class-names.ts";
import { Drawer } from "#components/ui/dialog.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { AlertBadge } from "./alert-badge.tsx";
import { ALERTS_HREF, isCurrent, useRooms } from "./rooms.ts";

const TAB =
  "flex h-13 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-muted aria-[current=page]:font-medium aria-[current=page]:text-accent-ink [&_svg]:size-4.5";
const ROW = "flex h-11 w-full items-center gap-3 px-4 text-ink hover:bg-hover [&_svg]:size-4 [&_svg]:shrink-0";

interface BottomBarProps {
  readonly moreOpen: boolean;
  readonly onMore: (open: boolean) => void;
  readonly onSearch: () => void;
}

/** The rail's place on a phone: the three rooms of a shift, search, and the rest behind "More". */
export function BottomBar({ moreOpen, onMore, onSearch }: BottomBarProps) {
  const pathname = usePathname();
  const rooms = useRooms();
  const rest = [...rooms.operations, ...rooms.zones, ...rooms.settings];
  const inRest = rest.some((room) => isCurrent(pathname, room.href));
  return (
    <nav aria-label="Rooms" className="flex shrink-0 border-t bg-canvas pb-[env(safe-area-inset-bottom)] md:hidden">
      {rooms.main.map(({ href, label, icon: Icon }) => (
        <Link key={href} href={href} aria-current={isCurrent(pathname, href) ? "page" : undefined} className={TAB}>
          <Icon aria-hidden />
          {label}
        </Link>
      ))}
      <button type="button" onClick={onSearch} className={TAB}>
        <Search aria-hidden />
        Search
      </button>
      <button type="button" onClick={() => onMore(true)} aria-current={inRest ? "page" : undefined} className={TAB}>
        <Ellipsis aria-hidden />
        More
      </button>
      <Drawer open={moreOpen} onOpenChange={onMore} title="More rooms">
        <ul className="py-1">
          {rest.map(({ href, label, icon: Icon }) => (
            <li key={href}>
              <Link
                href={href}
                onClick={() => onMore(false)}
                aria-current={isCurrent(pathname, href) ? "page" : undefined}
                className={cx(ROW, "aria-[current=page]:font-medium aria-[current=page]:text-accent-ink")}
              >
                <Icon aria-hidden />
                {label}
                {href === ALERTS_HREF && <AlertBadge />}
              </Link>
            </li>
          ))}
        </ul>
        <div className="border-t py-1 pb-[env(safe-area-inset-bottom)]">
          <AccountMenu collapsed={false} className={ROW} />
        </div>
      </Drawer>
    </nav>
  );
}
