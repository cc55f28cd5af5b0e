import type { Metadata } from "next";
import { RolesRoom } from "#components/settings/roles-room.tsx";

export const metadata: Metadata = { title: "Roles" };

export default function RolesPage() {
  return <RolesRoom />;
}
