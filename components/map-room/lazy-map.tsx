"use client";

import dynamic from "next/dynamic";

/** The map library is large and needs a browser: it comes after the page, into a ground of its own colour. */
export const LazyMap = dynamic(() => import("#components/map/live-map.tsx").then((module) => module.LiveMap), {
  ssr: false,
  loading: () => (
    <div role="status" aria-label="Loading the map" className="h-full min-h-52 flex-1 animate-breathe bg-hover" />
  ),
});
