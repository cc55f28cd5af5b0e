"use client";

import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { cx } from "./class-names.ts";

interface DialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly title: string;
  readonly description?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

const OVERLAY = "fixed inset-0 z-50 animate-fade bg-black/30 dark:bg-black/55";

/** What a dialog opened over another must not be closed by: a click on a toast. */
function keepOpenForToasts(event: { target: EventTarget | null; preventDefault: () => void }) {
  if (event.target instanceof Element && event.target.closest("[data-sonner-toaster]")) event.preventDefault();
}

/** To what is filled in first, and not to the cross beside the title; also in a dialog over a drawer, which holds the focus. */
function focusFirstField(event: Event) {
  const dialog = event.currentTarget;
  if (!(dialog instanceof Element)) return;
  const field = dialog.querySelector<HTMLElement>("input:not([aria-hidden]), select:not([aria-hidden]), textarea");
  if (field === null) return;
  event.preventDefault();
  field.focus();
}

export function Dialog({ open, onOpenChange, title, description, children, className }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={OVERLAY} />
        <Radix.Content
          onPointerDownOutside={keepOpenForToasts}
          onOpenAutoFocus={focusFirstField}
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cx(
            "fixed inset-x-0 bottom-0 z-50 max-h-[92dvh] animate-rise overflow-y-auto rounded-t-lg bg-raised shadow-float",
            "sm:inset-x-auto sm:top-[14vh] sm:bottom-auto sm:left-1/2 sm:max-h-[78vh] sm:w-115 sm:-translate-x-1/2 sm:rounded-lg",
            className,
          )}
        >
          <header className="flex items-start gap-2 px-4 pt-3 pb-1">
            <Radix.Title className="flex-1 pt-1 font-semibold text-lg">{title}</Radix.Title>
            <Radix.Close asChild>
              <Button variant="ghost" size="icon" aria-label="Close">
                <X aria-hidden />
              </Button>
            </Radix.Close>
          </header>
          {description && <Radix.Description className="px-4 text-muted">{description}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** A panel from the right edge (from below on a phone): detail beside the list it belongs to. */
export function Drawer({ open, onOpenChange, title, description, children, className }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={OVERLAY} />
        <Radix.Content
          onPointerDownOutside={keepOpenForToasts}
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cx(
            "fixed inset-x-0 bottom-0 z-50 flex max-h-[92dvh] animate-slide flex-col rounded-t-lg bg-raised shadow-float",
            "sm:inset-y-0 sm:right-0 sm:left-auto sm:max-h-none sm:w-140 sm:max-w-[92vw] sm:rounded-none",
            className,
          )}
        >
          <header className="flex items-center gap-2 border-b px-4 py-2">
            <div className="min-w-0 flex-1">
              <Radix.Title className="truncate font-semibold">{title}</Radix.Title>
              {description && <Radix.Description className="text-muted text-xs">{description}</Radix.Description>}
            </div>
            <Radix.Close asChild>
              <Button variant="ghost" size="icon" aria-label="Close">
                <X aria-hidden />
              </Button>
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
