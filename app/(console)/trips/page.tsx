import type { Metadata } from "next";
import { TripsRoom } from "#components/trips/trips-room.tsx";

export const metadata: Metadata = { title: "Trips" };

export default function TripsPage() {
  return <TripsRoom />;
}
