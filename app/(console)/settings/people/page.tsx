import type { Metadata } from "next";
import { PeopleRoom } from "#components/settings/people-room.tsx";

export const metadata: Metadata = { title: "People" };

export default function PeoplePage() {
  return <PeopleRoom />;
}
