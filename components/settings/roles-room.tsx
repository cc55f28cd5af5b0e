"use client";

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Plus } from "lucide-react";
import { Fragment, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import { useCan } from "#components/session/operator.tsx";
import { Button } from "#components/ui/button.tsx";
import { LiveAge } from "#components/ui/live-age.tsx";
import { ErrorState } from "#components/ui/notice.tsx";
import { ReasonDialog } from "#components/ui/reason-dialog.tsx";
import { Room } from "#components/ui/room.tsx";
import { Skeleton } from "#components/ui/skeleton.tsx";
import type { Role } from "#server/contracts/console.ts";
import { PERMISSION_AREAS } from "./permission-words.ts";
import { RoleDrawer } from "./role-drawer.tsx";

/** What each role holds: permissions down, roles across. */
export function RolesRoom() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const canManage = useCan("settings.manage");
  const [edited, setEdited] = useState<Role | "new" | null>(null);
  const [removed, setRemoved] = useState<Role | null>(null);
  const roles = useQuery(trpc.roles.list.queryOptions());
  const remove = useMutation(
    trpc.roles.remove.mutationOptions({ onSettled: () => queryClient.invalidateQueries(trpc.roles.pathFilter()) }),
  );
  return (
    <Room
      title="Roles"
      age={<LiveAge at={roles.dataUpdatedAt} live={false} />}
      actions={
        canManage && (
          <Button variant="primary" onClick={() => setEdited("new")}>
            <Plus aria-hidden />
            New role
          </Button>
        )
      }
    >
      {roles.isError && !roles.data && (
        <ErrorState what="The roles" error={roles.error} onRetry={() => void roles.refetch()} />
      )}
      {roles.isPending && (
        <div className="space-y-3 p-4" role="status" aria-label="Reading the roles">
          <Skeleton className="w-1/2" />
          <Skeleton className="w-2/3" />
          <Skeleton className="w-1/2" />
        </div>
      )}
      {roles.data && <RoleMatrix roles={roles.data} onOpen={canManage ? setEdited : null} />}
      <RoleDrawer
        key={edited === null ? "none" : edited === "new" ? "new" : `${edited.name}:${edited.version}`}
        role={edited}
        onClose={() => setEdited(null)}
        onRemove={(role) => {
          setEdited(null);
          setRemoved(role);
        }}
      />
      <ReasonDialog
        open={removed !== null}
        onOpenChange={(open) => !open && setRemoved(null)}
        title={`Delete the role ${removed?.title ?? ""}?`}
        effect="Nobody has it. It cannot be given to anyone after this."
        verb="Delete role"
        dangerous
        unchanged="The role is still there."
        onConfirm={async (reason) => {
          if (removed) await remove.mutateAsync({ name: removed.name, expectedVersion: removed.version, reason });
        }}
      />
    </Room>
  );
}

function RoleMatrix({ roles, onOpen }: { roles: readonly Role[]; onOpen: ((role: Role) => void) | null }) {
  return (
    <table className="w-full border-separate border-spacing-0">
      <caption className="sr-only">Permissions by role</caption>
      <thead>
        <tr>
          <th
            scope="col"
            className="sticky top-0 left-0 z-20 h-12 min-w-40 border-b bg-surface px-4 text-left font-normal text-faint text-xs"
          >
            Permission
          </th>
          {roles.map((role) => (
            <th
              key={role.name}
              scope="col"
              className="sticky top-0 z-10 h-12 border-b bg-surface px-2 text-center font-normal text-xs"
            >
              {onOpen && role.name !== "admin" ? (
                <button
                  type="button"
                  onClick={() => onOpen(role)}
                  className="min-h-6 whitespace-nowrap font-medium text-accent-ink hover:underline"
                >
                  {role.title}
                </button>
              ) : (
                <span className="font-medium text-ink">{role.title}</span>
              )}
              <span className="block whitespace-nowrap text-faint">
                {role.operators} {role.operators === 1 ? "person" : "people"}
              </span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {PERMISSION_AREAS.map(({ area, permissions }) => (
          <Fragment key={area}>
            <tr>
              <th
                scope="colgroup"
                colSpan={roles.length + 1}
                className="h-8 border-b bg-canvas px-4 text-left font-medium text-muted text-xs"
              >
                {area}
              </th>
            </tr>
            {permissions.map(({ name, words }) => (
              <tr key={name} className="hover:bg-hover">
                <th
                  scope="row"
                  className="sticky left-0 h-8 max-w-64 border-b bg-surface px-4 py-1 text-left font-normal"
                >
                  {words}
                  <span className="block font-mono text-2xs text-faint">{name}</span>
                </th>
                {roles.map((role) => (
                  <td key={role.name} className="border-b px-2 text-center">
                    {role.permissions.includes(name) ? (
                      <>
                        <Check aria-hidden className="mx-auto size-4 text-(--state-ongoing-ink)" />
                        <span className="sr-only">yes</span>
                      </>
                    ) : (
                      <span className="text-faint">
                        <span aria-hidden>·</span>
                        <span className="sr-only">no</span>
                      </span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}
