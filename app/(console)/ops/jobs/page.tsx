import type { Metadata } from "next";
import { JobsRoom } from "#components/jobs/jobs-room.tsx";

export const metadata: Metadata = { title: "Jobs" };

export default function JobsPage() {
  return <JobsRoom />;
}
