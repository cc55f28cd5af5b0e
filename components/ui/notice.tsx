"use client";

import { RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { answeredStatus, errorWords } from "./error-words.ts";

interface NoticeProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** Nothing to show: says why, and what to do next. */
export function EmptyState({ title, children, action }: NoticeProps) {
  return (
    <div className="mx-auto flex max-w-100 flex-col items-start gap-1 px-4 py-12">
      <p className="font-medium">{title}</p>
      {children && <div className="text-muted">{children}</div>}
      {action && <div className="mt-3">{action}</div>}
    </div>
  );
}

interface ErrorStateProps {
  /** What could not be shown: "The trips". */
  readonly what: string;
  readonly error: unknown;
  readonly onRetry: () => void;
}

/** A read failed: nothing was changed by that, and one may try again. */
export function ErrorState({ what, error, onRetry }: ErrorStateProps) {
  if (answeredStatus(error) === 403) {
    return (
      <EmptyState title={`${what} are not for your role`}>{errorWords(error)} An admin can change that.</EmptyState>
    );
  }
  return (
    <div role="alert" className="mx-auto flex max-w-100 flex-col items-start gap-1 px-4 py-12">
      <p className="font-medium">{what} could not be loaded</p>
      <p className="break-words text-muted">{errorWords(error)}</p>
      <p className="text-muted">Nothing was changed. If it goes on, tell the platform team what this says.</p>
      <Button className="mt-3" onClick={onRetry}>
        <RotateCw aria-hidden />
        Try again
      </Button>
    </div>
  );
}
