import type { Metadata } from "next";
import { LimitsRoom } from "#components/limits/limits-room.tsx";

export const metadata: Metadata = { title: "Limits" };

export default function LimitsPage() {
  return <LimitsRoom />;
}
