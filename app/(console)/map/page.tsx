import type { Metadata } from "next";
import { MapRoom } from "#components/map-room/map-room.tsx";

export const metadata: Metadata = { title: "Map" };

export default function MapPage() {
  return <MapRoom />;
}
