"use client";

import { Check } from "lucide-react";
import { DropdownMenu as Radix } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./class-names.ts";

export const Menu = Radix.Root;
export const MenuTrigger = Radix.Trigger;

const ITEM =
  "flex min-h-7 cursor-default select-none items-center gap-2 rounded-sm px-2 py-0.5 text-ink outline-none " +
  "data-[highlighted]:bg-hover data-[disabled]:opacity-50 pointer-coarse:min-h-10 [&_svg]:size-3.5 [&_svg]:shrink-0";

export function MenuContent({ className, ...props }: ComponentProps<typeof Radix.Content>) {
  return (
    <Radix.Portal>
      <Radix.Content
        sideOffset={4}
        align="start"
        collisionPadding={8}
        className={cx(
          "z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-44 animate-rise overflow-y-auto rounded-lg bg-raised p-1 shadow-float",
          className,
        )}
        {...props}
      />
    </Radix.Portal>
  );
}

export function MenuItem({ className, ...props }: ComponentProps<typeof Radix.Item>) {
  return <Radix.Item className={cx(ITEM, className)} {...props} />;
}

export function MenuCheckboxItem({ children, className, ...props }: ComponentProps<typeof Radix.CheckboxItem>) {
  return (
    // Stays open: one ticks several.
    <Radix.CheckboxItem className={cx(ITEM, className)} onSelect={(event) => event.preventDefault()} {...props}>
      <Tick />
      {children}
    </Radix.CheckboxItem>
  );
}

export function MenuRadioItem({ children, className, ...props }: ComponentProps<typeof Radix.RadioItem>) {
  return (
    <Radix.RadioItem className={cx(ITEM, className)} {...props}>
      <Tick />
      {children}
    </Radix.RadioItem>
  );
}

const Tick = () => (
  <span className="grid size-3.5 place-items-center text-accent-ink">
    <Radix.ItemIndicator>
      <Check aria-hidden />
    </Radix.ItemIndicator>
  </span>
);

export const MenuRadioGroup = Radix.RadioGroup;
export const MenuSeparator = () => <Radix.Separator className="-mx-1 my-1 h-px bg-line" />;
export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <Radix.Label className="px-2 py-1 text-faint text-xs">{children}</Radix.Label>
);
