import type { Metadata } from "next";
import { SurgeRoom } from "#components/pricing/surge-room.tsx";

export const metadata: Metadata = { title: "Surge" };

export default function SurgePage() {
  return <SurgeRoom />;
}
