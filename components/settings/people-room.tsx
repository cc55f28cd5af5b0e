"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan, useOperator } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { DataTable } from "#components/ui/data-table.tsx";
import { Field } from "#components/ui/field.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { EmptyState, ErrorState } from "#components/ui/notice.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Room } from "#components/ui/room.tsx";
import { Select } from "#components/ui/select.tsx";
import type { StateLook } from "#components/ui/state-hues.ts";
import { StatePill } from "#components/ui/state-pill.tsx";
import type { Column } from "#components/ui/table-types.ts";
import { Moment } from "#components/ui/time.tsx";
import type { OperatorRow } from "#server/contracts/console.ts";
import { InviteDialog } from "./invite-dialog.tsx";

const OPEN: StateLook = { label: "May sign in", hue: "ongoing" };
const CLOSED: StateLook = { label: "Closed", hue: "completed", hollow: true };
const LOCKED: StateLook = { label: "Locked out", hue: "pending" };
const lookOf = (person: OperatorRow): StateLook => {
  if (!person.active) return CLOSED;
  return person.lockedUntil ? LOCKED : OPEN;
};

type Decision = { readonly what: "role" | "active" | "unlock"; readonly person: OperatorRow };

/** The people who work in the console: who they are, what role they have, and whether they may sign in. */
export function PeopleRoom() {
  const trpc = useTRPC();
  const me = useOperator();
  const queryClient = useQueryClient();
  const canManage = useCan("users.manage");
  const [inviting, setInviting] = useState(false);
  const [decision, setDecision] = useState<Decision | null>(null);
  const people = useQuery(trpc.people.list.queryOptions());
  const refresh = { onSettled: () => queryClient.invalidateQueries(trpc.people.pathFilter()) };
  const unlock = useMutation(trpc.people.unlock.mutationOptions(refresh));
  const setActive = useMutation(trpc.people.setActive.mutationOptions(refresh));

  const actions = (person: OperatorRow) =>
    canManage && person.id !== me.id ? (
      <span className="flex gap-1">
        <Button variant="ghost" onClick={() => setDecision({ what: "role", person })}>
          Change role
        </Button>
        {person.lockedUntil && (
          <Button variant="ghost" onClick={() => setDecision({ what: "unlock", person })}>
            Unlock
          </Button>
        )}
        <Button variant="ghost" onClick={() => setDecision({ what: "active", person })}>
          {person.active ? "Close account" : "Open account"}
        </Button>
      </span>
    ) : (
      <span className="px-2.5 text-faint text-xs">{person.id === me.id ? "You" : ""}</span>
    );
  const columns: readonly Column<OperatorRow>[] = [
    { id: "name", header: "Person", cell: (person) => <span className="font-medium">{person.name}</span> },
    { id: "email", header: "Email", cell: (person) => person.email, className: "max-w-72" },
    { id: "role", header: "Role", cell: (person) => person.roleTitle, className: "w-32" },
    { id: "state", header: "Account", cell: (person) => <StatePill look={lookOf(person)} />, className: "w-32" },
    { id: "since", header: "Since", cell: (person) => <Moment at={person.createdAt} />, className: "w-32" },
    { id: "actions", header: "", cell: actions, className: "w-64" },
  ];
  const closing = decision?.what === "active" && decision.person.active;

  return (
    <Room
      title="People"
      age={<LiveAge at={people.dataUpdatedAt} live={false} />}
      actions={
        canManage && (
          <Button variant="primary" onClick={() => setInviting(true)}>
            <UserPlus aria-hidden />
            Invite
          </Button>
        )
      }
    >
      {people.isError && !people.data ? (
        <ErrorState what="The people" error={people.error} onRetry={() => void people.refetch()} />
      ) : (
        <DataTable
          caption="People who work in the console"
          columns={columns}
          rows={people.data}
          rowKey={(person) => person.id}
          expectedRows={6}
          compact={(person) => (
            <>
              <p className="flex items-center gap-2">
                <span className="min-w-0 flex-1 truncate font-medium">{person.name}</span>
                <StatePill look={lookOf(person)} />
              </p>
              <p className="flex items-center gap-2 text-muted text-xs">
                <span className="min-w-0 flex-1 truncate">{person.email}</span>
                {person.roleTitle}
              </p>
              {canManage && person.id !== me.id && (
                <div className="-ml-2.5 pointer-coarse:-ml-3.5">{actions(person)}</div>
              )}
            </>
          )}
          empty={<EmptyState title="Nobody yet" />}
        />
      )}
      <InviteDialog open={inviting} onOpenChange={setInviting} />
      {decision?.what === "role" && <RoleDialog person={decision.person} onClose={() => setDecision(null)} />}
      <ReasonDialog
        open={decision?.what === "unlock"}
        onOpenChange={(open) => !open && setDecision(null)}
        title={`Unlock ${decision?.person.name ?? ""}?`}
        effect="They were locked out after too many wrong passwords. They can try again at once."
        verb="Unlock"
        unchanged="The account is still locked."
        onConfirm={async (reason) => {
          if (decision) await unlock.mutateAsync({ id: decision.person.id, reason });
        }}
      />
      <ReasonDialog
        open={decision?.what === "active"}
        onOpenChange={(open) => !open && setDecision(null)}
        title={`${closing ? "Close" : "Open"} the account of ${decision?.person.name ?? ""}?`}
        effect={
          closing
            ? "They are signed out everywhere within 5 s, and cannot sign in until somebody opens the account again."
            : "They can sign in again with their password."
        }
        verb={closing ? "Close account" : "Open account"}
        dangerous={closing}
        unchanged="The account is as it was."
        onConfirm={async (reason) => {
          if (!decision) return;
          await setActive.mutateAsync({ id: decision.person.id, active: !decision.person.active, reason });
        }}
      />
    </Room>
  );
}

function RoleDialog({ person, onClose }: { person: OperatorRow; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const roles = useQuery(trpc.roles.list.queryOptions());
  const [role, setRole] = useState(person.role);
  const change = useMutation(
    trpc.people.setRole.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.people.pathFilter()) }),
  );
  return (
    <ReasonDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Change the role of ${person.name}?`}
      effect={`Now: ${person.roleTitle}. What the new role does not hold is gone within 5 s, in open pages too.`}
      verb="Change role"
      unchanged="The role is as it was."
      onConfirm={async (reason) => {
        await change.mutateAsync({ id: person.id, role, expectedRole: person.role, reason });
      }}
    >
      <Field label="New role">
        {(id) => (
          <Select id={id} value={role} onChange={(event) => setRole(event.target.value)}>
            {(roles.data ?? [{ name: person.role, title: person.roleTitle }]).map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </ReasonDialog>
  );
}
