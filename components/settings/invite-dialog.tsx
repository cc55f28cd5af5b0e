"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { Button } from "#components/ui/button.tsx";
import { Copyable } from "#components/ui/copyable.tsx";
import { Dialog } from "#components/ui/dialog.tsx";
import { Field } from "#components/ui/field.tsx";
import { Input } from "#components/ui/input.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Select } from "#components/ui/select.tsx";

const NOBODY = { firstName: "", lastName: "", email: "", role: "viewer" };

interface InviteDialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** Makes an account; its password is shown this once. */
export function InviteDialog({ open, onOpenChange }: InviteDialogProps) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const roles = useQuery({ ...trpc.roles.list.queryOptions(), enabled: open });
  const [person, setPerson] = useState(NOBODY);
  const [made, setMade] = useState<{ email: string; password: string } | null>(null);
  const invite = useMutation(
    trpc.people.invite.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.people.pathFilter()) }),
  );
  const text = (key: keyof typeof NOBODY, label: string, type = "text") => (
    <Field label={label}>
      {(id) => (
        <Input
          id={id}
          type={type}
          autoComplete="off"
          value={person[key]}
          onChange={(event) => setPerson({ ...person, [key]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <>
      <ReasonDialog
        open={open}
        onOpenChange={onOpenChange}
        title="Invite somebody to the console"
        effect="An account is made with a password that is shown once: hand it over yourself."
        verb="Make account"
        unchanged="No account was made."
        onConfirm={async (reason) => {
          const { password } = await invite.mutateAsync({ ...person, reason });
          setMade({ email: person.email, password });
          setPerson(NOBODY);
        }}
      >
        <div className="grid gap-3 sm:grid-cols-2">
          {text("firstName", "First name")}
          {text("lastName", "Last name")}
        </div>
        {text("email", "Email", "email")}
        <Field label="Role" hint="Only a role that holds nothing you do not hold yourself.">
          {(id) => (
            <Select
              id={id}
              value={person.role}
              onChange={(event) => setPerson({ ...person, role: event.target.value })}
            >
              {roles.data?.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </ReasonDialog>
      <Dialog open={made !== null} onOpenChange={(stays) => !stays && setMade(null)} title="The account is made">
        <div className="space-y-2 px-4 pb-4">
          <p className="text-muted">
            The password of {made?.email}. It is not shown again: hand it over now, on a way that only they can read.
          </p>
          <p className="rounded-md border bg-canvas px-3 py-2 text-lg">
            {made && <Copyable value={made.password} what="password" />}
          </p>
        </div>
        <footer className="flex justify-end border-t px-4 py-3">
          <Button variant="primary" onClick={() => setMade(null)}>
            Done, it is handed over
          </Button>
        </footer>
      </Dialog>
    </>
  );
}
