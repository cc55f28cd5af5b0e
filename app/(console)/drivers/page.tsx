import type { Metadata } from "next";
import { DriversRoom } from "#components/drivers/drivers-room.tsx";

export const metadata: Metadata = { title: "Drivers" };

export default function DriversPage() {
  return <DriversRoom />;
}
