"use client";

import { Dialog } from "#components/ui/dialog.tsx";
import { Kbd } from "#components/ui/kbd.tsx";
import { type RoomLink, useRooms } from "./rooms.ts";

const groupsFor = (rooms: readonly RoomLink[]) => [
  {
    title: "Everywhere",
    keys: [
      { keys: ["Ctrl", "K"], does: "Search trips, drivers, rooms and actions (⌘ K on a Mac)" },
      { keys: ["/"], does: "Go to the room's own search" },
      { keys: ["["], does: "Narrow or widen the rail" },
      { keys: ["?"], does: "Show this list" },
      { keys: ["Esc"], does: "Close what is open" },
    ],
  },
  { title: "Go to", keys: rooms.map((room) => ({ keys: ["g", room.key], does: room.label })) },
  {
    title: "In a list",
    keys: [
      { keys: ["j"], does: "Next row" },
      { keys: ["k"], does: "Row before" },
      { keys: ["Enter"], does: "Open the row" },
      { keys: ["x"], does: "Choose the row" },
    ],
  },
];

export function ShortcutsSheet({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const groups = groupsFor(useRooms().all);
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Keyboard shortcuts">
      <div className="space-y-4 px-4 pb-4">
        {groups.map((group) => (
          <section key={group.title}>
            <h3 className="pb-1 text-faint text-xs">{group.title}</h3>
            <dl className="divide-y">
              {group.keys.map(({ keys, does }) => (
                <div key={does} className="flex min-h-8 items-center gap-3">
                  <dt className="order-2 flex gap-1">
                    {keys.map((key) => (
                      <Kbd key={key}>{key}</Kbd>
                    ))}
                  </dt>
                  <dd className="order-1 flex-1">{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
