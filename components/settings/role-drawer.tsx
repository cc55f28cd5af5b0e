"use client";

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useOperator } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { Checkbox } from "#components/ui/checkbox.tsx";
import { Drawer } from "#components/ui/dialog.tsx";
import { Field } from "#components/ui/field.tsx";
import { Input } from "#components/ui/input.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import type { Role } from "#server/contracts/console.ts";
import type { Permission } from "#server/contracts/permissions.ts";
import { PERMISSION_AREAS } from "./permission-words.ts";

interface RoleDrawerProps {
  readonly role: Role | "new" | null;
  readonly onClose: () => void;
  readonly onRemove: (role: Role) => void;
}

/** Small letters, digits and _: what the server takes as a name. */
const nameOf = (title: string) =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^[^a-z]+|_+$/g, "")
    .slice(0, 40);

const people = ({ operators }: Role) => `${operators} ${operators === 1 ? "person" : "people"}`;

/** A role, to be made or edited: its title and what it holds. What one does not hold oneself cannot be ticked. */
export function RoleDrawer({ role, onClose, onRemove }: RoleDrawerProps) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const me = useOperator();
  const before = role === "new" ? null : role;
  const [title, setTitle] = useState(before?.title ?? "");
  const [held, setHeld] = useState<ReadonlySet<Permission>>(new Set(before?.permissions ?? []));
  const [asking, setAsking] = useState(false);
  const done = { onSettled: () => queryClient.invalidateQueries(trpc.roles.pathFilter()) };
  const create = useMutation(trpc.roles.create.mutationOptions(done));
  const update = useMutation(trpc.roles.update.mutationOptions(done));
  const added = [...held].filter((name) => !before?.permissions.includes(name));
  const gone = (before?.permissions ?? []).filter((name) => !held.has(name));
  const changed = added.length + gone.length > 0 || title.trim() !== (before?.title ?? "");

  const save = async (reason: string) => {
    const input = { title: title.trim(), permissions: [...held], reason };
    if (before) await update.mutateAsync({ ...input, name: before.name, expectedVersion: before.version });
    else await create.mutateAsync({ ...input, name: nameOf(title) });
    onClose();
  };

  return (
    <Drawer
      open={role !== null}
      onOpenChange={(open) => !open && onClose()}
      title={before ? `Role: ${before.title}` : "New role"}
      description={
        before?.operators ? `${people(before)} ${before.operators === 1 ? "has" : "have"} it` : "Nobody has it yet"
      }
    >
      <div className="space-y-3 px-4 py-3">
        <Field label="Title">
          {(id) => <Input id={id} maxLength={60} value={title} onChange={(event) => setTitle(event.target.value)} />}
        </Field>
      </div>
      {PERMISSION_AREAS.map(({ area, permissions }) => (
        <section key={area} aria-label={area} className="border-t px-4 py-2">
          <h3 className="text-faint text-xs">{area}</h3>
          <ul>
            {permissions.map(({ name, words }) => (
              <li key={name} className="flex min-h-7 items-center gap-2">
                <Checkbox
                  label={words}
                  checked={held.has(name)}
                  disabled={!me.permissions.includes(name)}
                  onChange={(on) => {
                    const next = new Set(held);
                    if (on) next.add(name);
                    else next.delete(name);
                    setHeld(next);
                  }}
                />
                <span className="min-w-0 flex-1">{words}</span>
                {!me.permissions.includes(name) && <span className="text-faint text-xs">you lack it</span>}
              </li>
            ))}
          </ul>
        </section>
      ))}
      <footer className="sticky bottom-0 flex gap-2 border-t bg-raised px-4 py-3">
        {before && !before.system && before.operators === 0 && (
          <Button variant="danger" onClick={() => onRemove(before)}>
            Delete role
          </Button>
        )}
        <Button
          variant="primary"
          className="ml-auto"
          disabled={!changed || nameOf(title).length < 2}
          onClick={() => setAsking(true)}
        >
          {before ? "Save role" : "Make role"}
        </Button>
      </footer>
      <ReasonDialog
        open={asking}
        onOpenChange={setAsking}
        title={before ? `Change ${before.title}?` : `Make the role ${title.trim()}?`}
        effect={
          <>
            {added.length > 0 && <p>Gives: {added.join(", ")}.</p>}
            {gone.length > 0 && <p>Takes away: {gone.join(", ")}.</p>}
            {before && <p>It holds for {people(before)} within 5 s.</p>}
          </>
        }
        verb={before ? "Save role" : "Make role"}
        unchanged="No role was changed."
        onConfirm={save}
      />
    </Drawer>
  );
}
