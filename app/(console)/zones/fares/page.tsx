import type { Metadata } from "next";
import { FaresRoom } from "#components/pricing/fares-room.tsx";

export const metadata: Metadata = { title: "Fares" };

export default function FaresPage() {
  return <FaresRoom />;
}
