import type { Metadata } from "next";
import { AlertsRoom } from "#components/alerts/alerts-room.tsx";

export const metadata: Metadata = { title: "Alerts" };

export default function AlertsPage() {
  return <AlertsRoom />;
}
