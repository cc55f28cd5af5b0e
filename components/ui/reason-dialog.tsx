"use client";

import { type ReactNode, useEffect, useId, useState } from "react";
import { forgetUnanswered } from "../data/retry-keys.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { answeredStatus, errorWords } from "./error-words.ts";
import { Textarea } from "./input.tsx";

const MIN_REASON = 5;

/** Thrown by `onConfirm` when the server answered that it did not do it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

interface Failure {
  readonly message: string;
  /** False when the call broke off: it may have happened, and saying otherwise would be a guess. */
  readonly refused: boolean;
}

function failureOf(error: unknown): Failure {
  const status = answeredStatus(error);
  return { message: errorWords(error), refused: error instanceof Refusal || (status !== null && status < 500) };
}

interface ReasonDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly title: string;
  /** What will happen, in plain words or a short list. */
  readonly effect: ReactNode;
  /** The verb on the button: "Cancel trip", never "OK". */
  readonly verb: string;
  readonly dangerous?: boolean;
  /** Said when the server refused: what stays as it was. */
  readonly unchanged: string;
  /** Throws what the server answered; the dialog stays open and shows it. */
  readonly onConfirm: (reason: string) => Promise<void>;
  readonly children?: ReactNode;
}

/** The one way an operator changes something: what will happen, why (kept in the audit log), and the verb. */
export function ReasonDialog(props: ReasonDialogProps) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange} title={props.title}>
      {/* Mounted anew for each opening, so that no reason or error is left from the last one. */}
      {props.open && <ReasonForm {...props} />}
    </Dialog>
  );
}

function ReasonForm({ effect, verb, dangerous, unchanged, onConfirm, onOpenChange, children }: ReasonDialogProps) {
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const id = useId();
  useEffect(forgetUnanswered, []);
  const tooShort = reason.trim().length < MIN_REASON;

  const submit = async () => {
    setTried(true);
    if (tooShort || busy) return;
    setBusy(true);
    setFailure(null);
    try {
      await onConfirm(reason.trim());
      onOpenChange(false);
    } catch (error) {
      setFailure(failureOf(error));
      setBusy(false);
    }
  };

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className="space-y-3 px-4 pt-1 pb-4">
        <div className="text-muted">{effect}</div>
        {children}
        <div>
          <label htmlFor={id} className="mb-1 block font-medium">
            Reason
          </label>
          <Textarea
            id={id}
            maxLength={500}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit();
            }}
            aria-invalid={tried && tooShort}
            aria-describedby={`${id}-hint`}
          />
          <p id={`${id}-hint`} className={tried && tooShort ? "mt-1 text-danger text-xs" : "mt-1 text-faint text-xs"}>
            {tried && tooShort
              ? `Say why in at least ${MIN_REASON} characters. Nothing was changed.`
              : "Kept in the audit log with your name."}
          </p>
        </div>
        {failure && (
          <div role="alert" className="rounded-md bg-danger-soft px-3 py-2 text-danger">
            <p className="font-medium">{failure.message}</p>
            <p>
              {failure.refused
                ? unchanged
                : "It is not known whether this was done. Try again here: it is not done twice."}
            </p>
          </div>
        )}
      </div>
      <footer className="sticky bottom-0 flex justify-end gap-2 border-t bg-raised px-4 py-3">
        <Button onClick={() => onOpenChange(false)}>Keep as it is</Button>
        <Button type="submit" variant={dangerous ? "danger-solid" : "primary"} disabled={busy} aria-busy={busy}>
          {busy ? "Working…" : verb}
        </Button>
      </footer>
    </form>
  );
}
