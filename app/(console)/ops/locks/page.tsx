import type { Metadata } from "next";
import { LocksRoom } from "#components/locks/locks-room.tsx";

export const metadata: Metadata = { title: "Locks" };

export default function LocksPage() {
  return <LocksRoom />;
}
