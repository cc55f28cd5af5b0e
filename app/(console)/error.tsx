"use client";

import { ErrorState } from "#components/ui/notice.tsx";

interface RoomErrorProps {
  readonly error: Error & { digest?: string };
  readonly reset: () => void;
}

export default function RoomError({ error, reset }: RoomErrorProps) {
  return <ErrorState what="This room" error={error} onRetry={reset} />;
}
