import type { Metadata } from "next";
import { IdempotencyRoom } from "#components/idempotency/idempotency-room.tsx";

export const metadata: Metadata = { title: "Idempotency" };

export default function IdempotencyPage() {
  return <IdempotencyRoom />;
}
