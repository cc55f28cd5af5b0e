import type { Metadata } from "next";
import { WebhooksRoom } from "#components/webhooks/webhooks-room.tsx";

export const metadata: Metadata = { title: "Webhooks" };

export default function WebhooksPage() {
  return <WebhooksRoom />;
}
