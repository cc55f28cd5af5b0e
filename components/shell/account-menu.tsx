"use client";

import { Keyboard, LogOut, UserRound } from "lucide-react";
import Link from "next/link";
import { signOut } from "next-auth/react";
import { useHydrated } from "#components/data/use-now.ts";
import { useOperator } from "#components/session/operator.tsx";
import { cx } from "#components/ui/class-names.ts";
import {
  Menu,
  MenuContent,
  MenuItem,
  MenuLabel,
  MenuRadioGroup,
  MenuRadioItem,
  MenuSeparator,
  MenuTrigger,
} from "#components/ui/menu.tsx";
import { openShell } from "./shell-events.ts";
import { THEMES, useTheme } from "./theme.tsx";

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join("");

interface AccountMenuProps {
  readonly collapsed: boolean;
  readonly className: string;
}

export function AccountMenu({ collapsed, className }: AccountMenuProps) {
  const operator = useOperator();
  const { theme, setTheme } = useTheme();
  const hydrated = useHydrated();
  return (
    <Menu>
      <MenuTrigger className={className} aria-label={`Account: ${operator.name}`}>
        <span
          aria-hidden
          className="grid size-5 shrink-0 place-items-center rounded-full bg-line-strong font-medium text-2xs text-ink"
        >
          {initials(operator.name)}
        </span>
        {!collapsed && <span className="min-w-0 flex-1 truncate text-left">{operator.name}</span>}
      </MenuTrigger>
      <MenuContent side="top" className={cx("w-56")}>
        <div className="px-2 py-1">
          <p className="truncate font-medium">{operator.name}</p>
          <p className="truncate text-muted text-xs">{operator.email}</p>
          <p className="truncate text-faint text-xs">{operator.roles.join(", ")}</p>
        </div>
        <MenuSeparator />
        <MenuLabel>Theme</MenuLabel>
        <MenuRadioGroup value={hydrated ? theme : undefined} onValueChange={setTheme}>
          {THEMES.map(({ value, label }) => (
            <MenuRadioItem key={value} value={value}>
              {label}
            </MenuRadioItem>
          ))}
        </MenuRadioGroup>
        <MenuSeparator />
        <MenuItem asChild>
          <Link href="/settings/account">
            <UserRound aria-hidden />
            Your account
          </Link>
        </MenuItem>
        <MenuItem onSelect={() => openShell("shortcuts")}>
          <Keyboard aria-hidden />
          Keyboard shortcuts
        </MenuItem>
        <MenuItem onSelect={() => void signOut({ callbackUrl: "/sign-in" })}>
          <LogOut aria-hidden />
          Sign out
        </MenuItem>
      </MenuContent>
    </Menu>
  );
}
