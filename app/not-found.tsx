import Link from "next/link";

export default function NotFound() {
  return (
    <main className="grid min-h-dvh content-center justify-items-center bg-canvas px-4">
      <div className="w-full max-w-84">
        <h1 className="font-semibold text-xl">There is nothing here</h1>
        <p className="mt-1 text-muted">The link may be cut short, or what it showed was removed.</p>
        <Link href="/map" className="mt-4 inline-block font-medium text-accent-ink underline underline-offset-2">
          Go to the map
        </Link>
      </div>
    </main>
  );
}
