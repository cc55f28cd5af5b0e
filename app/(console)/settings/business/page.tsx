import type { Metadata } from "next";
import { BusinessRoom } from "#components/settings/business-room.tsx";

export const metadata: Metadata = { title: "Business settings" };

export default function BusinessPage() {
  return <BusinessRoom />;
}
