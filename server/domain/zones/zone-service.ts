import { createHash } from "node:crypto";
import { DomainError } from "#server/contracts/errors.ts";
import { newId } from "#server/contracts/ids.ts";
import { topics } from "#server/contracts/realtime.ts";
import {
  boundsOfShape,
  overlapAt,
  type Shape,
  shapeFaults,
  squareKilometres,
  tidyShape,
  verticesOf,
} from "#server/contracts/zone-shape.ts";
import type { ImportPreview, ZoneDetail, ZoneOverlap, ZoneRow } from "#server/contracts/zones.ts";
import { type OpenClaim, remember } from "#server/domain/idempotency/open-claim.ts";
import type { Recorder } from "#server/domain/ops/activity-log.ts";
import { type ImportPlan, planImport, shapeKey } from "#server/domain/zones/zone-plan.ts";
import * as store from "#server/domain/zones/zone-store.ts";
import type { EventBus } from "#server/platform/bus.ts";
import type { Database, Queryable } from "#server/platform/db.ts";

/** What an operator wants a zone to be. `id` null: a new one. `shape` null: its outline stays. */
export interface ZoneChange extends store.ZoneFields {
  readonly id: string | null;
  readonly shape: Shape | null;
  /** The overlaps with zones of the same priority are meant. */
  readonly acknowledgeOverlap: boolean;
  readonly expectedVersion: number;
}

interface Importing {
  readonly features: readonly unknown[];
  /** As the preview gave it: what the operator saw is what is done. */
  readonly basis: string;
  readonly acknowledgeOverlap: boolean;
}

type Actor = { readonly name: string };

const fieldsOf = ({ name, priority, currency, is_active: isActive }: store.StoredZone): store.ZoneFields => ({
  ...{ name, priority, currency, isActive },
});

/** An outline as the audit log keeps it: enough to see that and how much it changed. */
function briefShape(shape: Shape) {
  const { west, south, east, north } = boundsOfShape(shape);
  const fingerprint = createHash("sha256").update(shapeKey(shape)).digest("hex").slice(0, 16);
  const squareKm = Math.round(squareKilometres(shape) * 1000) / 1000;
  return { parts: shape.length, points: verticesOf(shape), squareKm, box: [west, south, east, north], fingerprint };
}
const briefOf = (zone: store.StoredZone) => ({ ...fieldsOf(zone), outline: briefShape(zone.shape) });

function rowOf(zone: store.StoredZone): ZoneRow {
  const { id, code, version, shape } = zone;
  return {
    ...{ id, code, version, ...fieldsOf(zone) },
    parts: shape.length,
    holes: shape.reduce((sum, part) => sum + Math.max(0, part.length - 1), 0),
    points: verticesOf(shape),
    squareKm: Math.round(squareKilometres(shape) * 100) / 100,
    updatedBy: zone.updated_by_name,
    updatedAt: zone.updated_at.toISOString(),
  };
}

/** Which zones there are, in which versions: another when any was changed since. */
const basisOf = (zones: readonly store.StoredZone[]): string => {
  const versions = zones.map(({ id, version }) => `${id}:${version}`).sort();
  return createHash("sha256").update(versions.join(",")).digest("hex");
};

const noZone = () => new DomainError("NOT_FOUND", "There is no such zone.");
const conflict = (name: string) =>
  new DomainError("VERSION_CONFLICT", `Somebody changed ${name} meanwhile. Nothing was changed.`);

/** Where we drive, in zones that operators draw. */
export class ZoneService {
  readonly #db: Database;
  readonly #bus: EventBus;

  constructor(options: { db: Database; bus: EventBus }) {
    this.#db = options.db;
    this.#bus = options.bus;
  }

  async list(): Promise<ZoneRow[]> {
    return (await store.readZones(this.#db.pool)).map(rowOf);
  }

  /** NOT_FOUND. */
  async get(id: string): Promise<ZoneDetail> {
    const [zone] = await store.readZones(this.#db.pool, [id]);
    if (zone === undefined) throw noZone();
    return { ...rowOf(zone), shape: zone.shape, isUsed: await store.isUsed(this.#db.pool, id) };
  }

  /**
   * Answers the zone's id. VALIDATION_FAILED naming each fault of the outline, or the zones that it overlaps while nobody
   * said that this is meant; NOT_FOUND; VERSION_CONFLICT when somebody changed it since it was read.
   */
  async save(
    actor: Actor,
    change: ZoneChange,
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<{ id: string }> {
    const given = change.shape === null ? null : tidyShape(change.shape);
    if (change.shape !== null) assertShape(change.shape);
    const result = await this.#db.transaction(async (tx) => {
      await store.lockZones(tx);
      const zones = await store.readZones(tx);
      const before = change.id === null ? null : zones.find(({ id }) => id === change.id);
      if (before === undefined) throw noZone();
      if (before !== null && before.version !== change.expectedVersion) throw conflict(before.name);
      const shape = given ?? before?.shape;
      if (shape === undefined) throw invalid([{ path: "shape", message: "A new zone needs an outline" }]);
      const id = before?.id ?? newId();
      const { name, priority, currency, isActive } = change;
      const fields = { name, priority, currency, isActive };
      if (isActive && !change.acknowledgeOverlap) assertAlone(overlapsOf({ id, priority, shape }, zones));
      if (before === null) await store.insertZone(tx, { ...fields, id, code: codeFor(name, zones) }, actor.name);
      else await store.updateZone(tx, id, fields, actor.name);
      const isReshaped = before === null || shapeKey(before.shape) !== shapeKey(shape);
      if (isReshaped) await store.writeShape(tx, id, shape);
      if (isReshaped || before?.is_active !== isActive || before.priority !== priority)
        await regroup(tx, [...(before === null ? [] : [before.shape]), shape]);
      await record(
        tx,
        { type: "zone", id },
        { before: before === null ? null : briefOf(before), after: { ...fields, outline: briefShape(shape) } },
      );
      await remember(tx, claim, { id });
      return { id };
    });
    this.#tell([result.id]);
    return result;
  }

  /** With its fares, surge and matching settings. INVALID_TRANSITION once a trip was booked there; NOT_FOUND; VERSION_CONFLICT. */
  async remove(
    target: { readonly id: string; readonly expectedVersion: number },
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await store.lockZones(tx);
      await store.lockZone(tx, target.id);
      const [before] = await store.readZones(tx, [target.id]);
      if (before === undefined) throw noZone();
      if (before.version !== target.expectedVersion) throw conflict(before.name);
      if (await store.isUsed(tx, target.id))
        throw new DomainError(
          "INVALID_TRANSITION",
          `Trips were booked in ${before.name}, so it cannot be deleted: switch it off instead. Nothing was changed.`,
        );
      await store.deleteZone(tx, target.id);
      await regroup(tx, [before.shape]);
      await record(tx, { type: "zone", id: target.id }, { before: briefOf(before), after: null });
      await remember(tx, claim, undefined);
    });
    this.#tell([target.id]);
  }

  /** What a file would change. Writes nothing. */
  async preview(features: readonly unknown[]): Promise<ImportPreview & { readonly basis: string }> {
    const ours = await store.readZones(this.#db.pool);
    const { zones, bad, overlaps } = planImport(features, ours);
    return {
      zones: zones.map(({ features: of, code, name, what, changes }) => ({ features: of, code, name, what, changes })),
      ...{ bad, overlaps, basis: basisOf(ours) },
    };
  }

  /** All of a file or nothing. VALIDATION_FAILED naming each bad feature; VERSION_CONFLICT when a zone changed since the preview. */
  async import(
    actor: Actor,
    file: Importing,
    record: Recorder,
    claim: OpenClaim | null = null,
  ): Promise<{ added: number; changed: number; unchanged: number }> {
    const { counts, ids } = await this.#db.transaction(async (tx) => {
      await store.lockZones(tx);
      const ours = await store.readZones(tx);
      if (basisOf(ours) !== file.basis) throw conflict("a zone");
      const plan = planImport(file.features, ours);
      assertImportable(plan, file.acknowledgeOverlap);
      const written: { id: string; before: unknown; after: unknown }[] = [];
      for (const zone of plan.zones.filter(({ what }) => what !== "unchanged")) {
        const id = zone.before?.id ?? newId();
        if (zone.before === null) await store.insertZone(tx, { ...zone.fields, id, code: zone.code }, actor.name);
        else await store.updateZone(tx, id, zone.fields, actor.name);
        if (zone.before === null || zone.changes.includes("outline")) await store.writeShape(tx, id, zone.shape);
        const after = { code: zone.code, ...zone.fields, outline: briefShape(zone.shape) };
        written.push({ id, before: zone.before && { code: zone.code, ...briefOf(zone.before) }, after });
      }
      const moved = plan.zones.filter(({ what }) => what !== "unchanged");
      // One box around all: a file of hundreds of zones is of one town.
      await regroup(tx, [moved.flatMap(({ shape, before }) => [...shape, ...(before?.shape ?? [])])]);
      const count = (what: string) => plan.zones.filter((zone) => zone.what === what).length;
      const done = { added: count("added"), changed: count("changed"), unchanged: count("unchanged") };
      await record(
        tx,
        { type: "zones", id: "import" },
        {
          before: written.flatMap(({ before }) => (before === null ? [] : [before])),
          after: written.map(({ after }) => after),
        },
      );
      await remember(tx, claim, done);
      return { counts: done, ids: written.map(({ id }) => id) };
    });
    if (ids.length > 0) this.#tell(ids);
    return counts;
  }

  /** Every zone as GeoJSON: what `import` reads back as unchanged. */
  async export() {
    const zones = await store.readZones(this.#db.pool);
    return {
      type: "FeatureCollection" as const,
      features: zones.map((zone) => ({
        type: "Feature" as const,
        properties: {
          ...{ code: zone.code, name: zone.name, priority: zone.priority },
          ...{ currency: zone.currency, active: zone.is_active },
        },
        geometry: { type: "MultiPolygon" as const, coordinates: zone.shape },
      })),
    };
  }

  #tell(ids: readonly string[]): void {
    this.#bus.publish(topics.zones, "changed", { ids });
  }
}

const invalid = (fields: { readonly path: string; readonly message: string }[]) =>
  new DomainError("VALIDATION_FAILED", `${fields.map(({ message }) => message).join("; ")}. Nothing was changed.`, {
    fields,
  });

function assertShape(shape: Shape): void {
  const faults = shapeFaults(shape);
  if (faults.length > 0)
    throw invalid(faults.slice(0, 20).map(({ path, message }) => ({ path: path.replace("parts", "shape"), message })));
}

/** Active zones of the same priority on the same ground. */
function overlapsOf(
  { id, priority, shape }: { readonly id: string; readonly priority: number; readonly shape: Shape },
  zones: readonly store.StoredZone[],
): ZoneOverlap[] {
  return zones.flatMap((other) => {
    if (other.id === id || !other.is_active || other.priority !== priority) return [];
    const at = overlapAt(shape, other.shape);
    return at === null ? [] : [{ zoneId: other.id, name: other.name, at }];
  });
}

function assertAlone(overlaps: readonly ZoneOverlap[]): void {
  if (overlaps.length === 0) return;
  const names = overlaps.map(({ name }) => name);
  const some = names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
  throw invalid([
    {
      path: "acknowledgeOverlap",
      message: `It overlaps ${some} at the same priority: give it another priority, or say that this is meant`,
    },
  ]);
}

function assertImportable({ bad, overlaps }: ImportPlan, acknowledged: boolean): void {
  const faults = bad.slice(0, 50).map(({ feature, name, reasons }) => ({
    path: `features.${feature}`,
    message: `Feature ${feature}${name === null ? "" : ` (${name})`}: ${reasons.join("; ")}`,
  }));
  if (faults.length > 0) throw invalid(faults);
  const [first] = overlaps;
  if (first !== undefined && !acknowledged)
    throw invalid([
      {
        path: "acknowledgeOverlap",
        message: `${overlaps.length} pairs of zones overlap at the same priority (${first.one} and ${first.other}, …): say that this is meant`,
      },
    ]);
}

/** `Nasr City` → `nasr-city`, with a number when there is one already. */
function codeFor(name: string, zones: readonly store.StoredZone[]): string {
  const taken = new Set(zones.map(({ code }) => code));
  const base = name.toLowerCase().replace(/\s+/g, "-");
  for (let n = 1; ; n++) {
    const code = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(code)) return code;
  }
}

/** Drivers on the ground that changed hands. */
async function regroup(tx: Queryable, shapes: readonly Shape[]): Promise<void> {
  for (const shape of shapes.filter((one) => one.length > 0)) await store.regroupDrivers(tx, boundsOfShape(shape));
}
