import type { Metadata } from "next";
import { AccountRoom } from "#components/account/account-room.tsx";

export const metadata: Metadata = { title: "Your account" };

export default function AccountPage() {
  return <AccountRoom />;
}
