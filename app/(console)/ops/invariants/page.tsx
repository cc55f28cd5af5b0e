import type { Metadata } from "next";
import { InvariantsRoom } from "#components/invariants/invariants-room.tsx";

export const metadata: Metadata = { title: "Invariants" };

export default function InvariantsPage() {
  return <InvariantsRoom />;
}
