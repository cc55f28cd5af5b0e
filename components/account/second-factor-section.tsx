"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { errorWords } from "#components/ui/error-words.ts";
import { Section } from "#components/ui/section.tsx";
import { Field } from "./field.tsx";

const Problem = ({ error }: { error: unknown }) =>
  error === null ? null : (
    <p role="alert" className="text-danger text-xs">
      {errorWords(error)}
    </p>
  );

/** Codes of an authenticator app: set up, recovery codes shown once, switched off. */
export function SecondFactorSection() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const view = useQuery(trpc.account.secondFactor.queryOptions());
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const done = {
    onSuccess: () => {
      setPassword("");
      setCode("");
      return queryClient.invalidateQueries(trpc.account.pathFilter());
    },
  };
  const begin = useMutation(trpc.account.beginSecondFactor.mutationOptions({ onSuccess: () => setPassword("") }));
  const confirm = useMutation(trpc.account.confirmSecondFactor.mutationOptions(done));
  const off = useMutation(trpc.account.switchOffSecondFactor.mutationOptions(done));
  const on = view.data?.on === true;
  const enrolling = begin.data !== undefined && !on && confirm.data === undefined;
  return (
    <Section
      id="second-factor"
      title="Second factor"
      note={view.data && (on ? `On · ${view.data.recoveryCodesLeft} recovery codes left` : "Off")}
    >
      <div className="max-w-sm space-y-3 px-4 py-3">
        {on && confirm.data && (
          <div role="status" className="rounded-md bg-warn-soft px-3 py-2 text-warn">
            <p className="mb-1 font-medium">Write these down now: they are shown this once, and each is good once.</p>
            <ul className="grid grid-cols-2 font-mono text-xs">
              {confirm.data.recoveryCodes.map((recovery) => (
                <li key={recovery}>{recovery}</li>
              ))}
            </ul>
          </div>
        )}
        {enrolling && (
          <form
            className="space-y-3"
            onSubmit={(event) => {
              event.preventDefault();
              confirm.mutate({ code: code.trim() });
            }}
          >
            <p className="text-muted">Scan this with your authenticator app, then type the code that it shows.</p>
            {/* biome-ignore lint/performance/noImgElement: a data address, nothing to optimise */}
            <img
              alt="QR code for the authenticator app"
              className="size-44 rounded-md bg-white"
              src={`data:image/svg+xml;utf8,${encodeURIComponent(begin.data.qr)}`}
            />
            <p className="break-all font-mono text-xs">{begin.data.secret}</p>
            <Field
              label="Code"
              type="text"
              inputMode="numeric"
              autoComplete="one-time-code"
              value={code}
              onChange={setCode}
            />
            <Problem error={confirm.error} />
            <Button type="submit" variant="primary" disabled={confirm.isPending || code.trim().length !== 6}>
              Switch on
            </Button>
          </form>
        )}
        {view.data && !enrolling && (
          <form
            className="space-y-3"
            onSubmit={(event) => {
              event.preventDefault();
              (on ? off : begin).mutate({ password });
            }}
          >
            <Field label="Your password" autoComplete="current-password" value={password} onChange={setPassword} />
            <Problem error={on ? off.error : begin.error} />
            <Button
              type="submit"
              variant={on ? "danger" : "primary"}
              disabled={!password || begin.isPending || off.isPending}
            >
              {on ? "Switch off" : "Set up"}
            </Button>
          </form>
        )}
      </div>
    </Section>
  );
}
