"use client";

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, Plus, Upload } from "lucide-react";
import { useQueryState } from "nuqs";
import { useEffect, useMemo, useState } from "react";
import { useTRPC } from "#components/data/trpc.ts";
import type { LngLatBounds, MapEditing, MapFocus, MapZones } from "#components/map/map-types.ts";
import { LazyMap } from "#components/map-room/lazy-map.tsx";
import { useZoneFeatures } from "#components/map-room/zone-features.ts";
import { Button } from "#components/ui/button.tsx";
import { ErrorState } from "#components/ui/notice.tsx";
import { Room } from "#components/ui/room.tsx";
import type { ZoneOutline } from "#server/contracts/console.ts";
import { boundsOfShape, type Shape } from "#server/contracts/zone-shape.ts";
import { ImportDialog } from "./import-dialog.tsx";
import { ZoneEditor } from "./zone-editor.tsx";
import { download } from "./zone-geojson.ts";
import { ZoneList } from "./zone-list.tsx";

const NO_ZONES: readonly ZoneOutline[] = [];
const NEW = "new";

function boundsOf(shape: Shape): LngLatBounds {
  const { west, south, east, north } = boundsOfShape(shape);
  return [
    [west, south],
    [east, north],
  ];
}

/** Where we drive: the zones in a list beside the map; one of them, or a new one, is drawn on it. */
export function ZonesRoom() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const zones = useQuery(trpc.zones.list.queryOptions());
  const outlines = useQuery({ ...trpc.map.zones.queryOptions(), staleTime: 60_000 }).data ?? NO_ZONES;
  const [chosen, setChosen] = useQueryState("zone");
  const [isImporting, setImporting] = useState(false);
  const [editing, setEditing] = useState<MapEditing | null>(null);
  const [focus, setFocus] = useState<MapFocus | null>(null);
  const isNew = chosen === NEW;
  const detail = useQuery(
    trpc.zones.get.queryOptions({ id: chosen ?? "" }, { enabled: chosen !== null && !isNew, staleTime: 0 }),
  );
  const zone = chosen !== null && !isNew && detail.data?.id === chosen ? detail.data : null;
  const known = useZoneFeatures(outlines, undefined);
  // The one being drawn is drawn by its draft.
  const shown: MapZones = useMemo(
    () => ({
      ...known,
      features: known.features
        .filter(({ properties }) => properties.id !== chosen)
        .map((zone) => ({ ...zone, properties: { ...zone.properties, isSubject: true } })),
    }),
    [known, chosen],
  );

  const [lookedAt, setLookedAt] = useState<string | null>(null);
  useEffect(() => {
    if (zone === null || zone.id === lookedAt) return;
    setLookedAt(zone.id);
    if (zone.shape.length > 0) setFocus({ bounds: boundsOf(zone.shape) });
  }, [zone, lookedAt]);
  const choose = (id: string | null) => {
    setLookedAt(null);
    setEditing(null);
    void setChosen(id);
  };
  const exportAll = async () => {
    const file = await queryClient.fetchQuery({ ...trpc.zones.export.queryOptions(), staleTime: 0 });
    download("zones.geojson", JSON.stringify(file));
  };

  return (
    <Room
      fixed
      title="Zones"
      actions={
        <>
          <Button onClick={() => setImporting(true)}>
            <Upload aria-hidden />
            Import
          </Button>
          <Button onClick={() => void exportAll()} disabled={!zones.data?.length}>
            <Download aria-hidden />
            Export
          </Button>
          <Button variant="primary" onClick={() => choose(NEW)}>
            <Plus aria-hidden />
            New zone
          </Button>
        </>
      }
    >
      <div className="flex h-full min-h-0 flex-col sm:flex-row">
        <div className="order-2 flex min-h-0 w-full flex-1 flex-col border-t sm:order-1 sm:w-90 sm:flex-none sm:border-t-0 sm:border-r">
          {zones.isError && !zones.data ? (
            <ErrorState what="The zones" error={zones.error} onRetry={() => void zones.refetch()} />
          ) : isNew || zone !== null ? (
            <ZoneEditor
              key={zone === null ? NEW : `${zone.id}:${zone.version}`}
              zone={zone}
              others={zones.data ?? []}
              outlines={outlines}
              onEditing={setEditing}
              onShape={(shape) => setFocus({ bounds: boundsOf(shape) })}
              onClose={() => choose(null)}
              onSaved={(id) => choose(id)}
            />
          ) : chosen !== null && detail.isError ? (
            <ErrorState what="The zone" error={detail.error} onRetry={() => void detail.refetch()} />
          ) : (
            <ZoneList zones={zones.data} chosen={chosen} onOpen={choose} onNew={() => choose(NEW)} />
          )}
        </div>
        <LazyMap
          className="order-1 h-[42dvh] min-h-0 min-w-0 shrink-0 sm:order-2 sm:h-auto sm:flex-1"
          label="Zones on the map"
          zones={shown}
          drivers={[]}
          trips={[]}
          editing={editing}
          onSelect={(selection) => {
            if (selection?.kind === "zone") choose(selection.id);
          }}
          focus={focus}
        />
      </div>
      <ImportDialog open={isImporting} onOpenChange={setImporting} />
    </Room>
  );
}
