import type { Metadata } from "next";
import { TripPage } from "#components/trips/trip-page.tsx";

export const metadata: Metadata = { title: "Trip" };

export default async function TripDetailPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <TripPage id={id} />;
}
