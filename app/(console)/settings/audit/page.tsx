import type { Metadata } from "next";
import { AuditRoom } from "#components/audit/audit-room.tsx";

export const metadata: Metadata = { title: "Audit log" };

export default function AuditPage() {
  return <AuditRoom />;
}
