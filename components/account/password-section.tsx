"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { isTRPCClientError } from "@trpc/client";
import { type FormEvent, useState } from "react";
import { toast } from "sonner";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { errorWords } from "#components/ui/error-words.ts";
import { Section } from "#components/ui/section.tsx";
import { Field } from "./field.tsx";

/** The server's word on each field; what it says of the whole stands under ''. */
function problemsOf(error: unknown): Readonly<Record<string, string>> {
  const fields = isTRPCClientError(error)
    ? (error.data as { fields?: { path: string; message: string }[] | null } | null)?.fields
    : null;
  if (!fields?.length) return { "": errorWords(error) };
  return Object.fromEntries(fields.map(({ path, message }) => [path, message]));
}

export function PasswordSection({ onChanged }: { onChanged?: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [oldPassword, setOld] = useState("");
  const [newPassword, setNew] = useState("");
  const change = useMutation(
    trpc.auth.changePassword.mutationOptions({
      onSuccess: ({ sessionsEnded }) => {
        toast.success(
          `The password was changed.${sessionsEnded > 0 ? ` ${sessionsEnded} other sessions were ended.` : ""}`,
        );
        setOld("");
        setNew("");
        onChanged?.();
      },
      onSettled: () => queryClient.invalidateQueries(trpc.auth.sessions.pathFilter()),
    }),
  );
  const problems = change.isError ? problemsOf(change.error) : {};
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (oldPassword && newPassword) change.mutate({ oldPassword, newPassword });
  };
  return (
    <Section id="password" title="Password" note="Changing it ends all your other sessions.">
      <form onSubmit={submit} className="max-w-sm space-y-3 px-4 py-3">
        <Field
          label="Current password"
          autoComplete="current-password"
          value={oldPassword}
          onChange={setOld}
          problem={problems.oldPassword}
        />
        <Field
          label="New password"
          autoComplete="new-password"
          value={newPassword}
          onChange={setNew}
          problem={problems.newPassword}
          hint="At least 12 characters, or 8 that are hard to guess."
        />
        {problems[""] && (
          <p role="alert" className="text-danger text-xs">
            {problems[""]}
          </p>
        )}
        <Button type="submit" variant="primary" disabled={change.isPending || !oldPassword || !newPassword}>
          Change password
        </Button>
      </form>
    </Section>
  );
}
