import type { Metadata } from "next";
import { ZonesRoom } from "#components/zones/zones-room.tsx";

export const metadata: Metadata = { title: "Zones" };

export default function ZonesPage() {
  return <ZonesRoom />;
}
