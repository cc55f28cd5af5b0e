import type { Metadata } from "next";
import { MatchingRoom } from "#components/matching/matching-room.tsx";

export const metadata: Metadata = { title: "Matching" };

export default function MatchingPage() {
  return <MatchingRoom />;
}
