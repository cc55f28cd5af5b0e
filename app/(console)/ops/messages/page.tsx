import type { Metadata } from "next";
import { MessagesRoom } from "#components/messages/messages-room.tsx";

export const metadata: Metadata = { title: "Messages" };

export default function MessagesPage() {
  return <MessagesRoom />;
}
