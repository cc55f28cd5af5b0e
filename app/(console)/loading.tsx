import { Skeleton } from "#components/ui/skeleton.tsx";

/** Drawn the moment a room is chosen, while the server checks the session: the frame that every room has. */
export default function RoomLoading() {
  return (
    <div role="status" aria-label="Opening the room" className="h-full bg-surface">
      <div className="flex h-11 items-center border-b px-4">
        <Skeleton className="w-20" />
      </div>
      <div className="flex h-10 items-center gap-3 border-b px-4">
        <Skeleton className="w-48" />
        <Skeleton className="w-24" />
      </div>
    </div>
  );
}
