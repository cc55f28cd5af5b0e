import { type Shape, verticesOf } from "#server/contracts/zone-shape.ts";
import { currencySchema, prioritySchema, type ZoneDetail, zoneNameSchema } from "#server/contracts/zones.ts";

/** As typed. */
export interface FieldsDraft {
  readonly name: string;
  readonly priority: string;
  readonly currency: string;
  readonly isActive: boolean;
}

export const fieldsOf = (zone: ZoneDetail | null): FieldsDraft => ({
  name: zone?.name ?? "",
  priority: String(zone?.priority ?? 0),
  currency: zone?.currency ?? "EGP",
  isActive: zone?.isActive ?? true,
});

/** What is wrong with what was typed; null: nothing. */
export function fieldFault({ name, priority, currency }: FieldsDraft): string | null {
  if (!zoneNameSchema.safeParse(name).success) return "Give it a name of up to 100 characters.";
  if (priority.trim() === "" || !prioritySchema.safeParse(Number(priority)).success)
    return "The priority is a whole number from -1000 to 1000.";
  return currencySchema.safeParse(currency).success ? null : "The currency is three capital letters, as EGP.";
}

/** The lines of "what will change". */
export function changesOf(zone: ZoneDetail | null, fields: FieldsDraft, shape: Shape): string[] {
  if (zone === null) {
    if (fields.name.trim() === "" && shape.length === 0) return [];
    return [
      `A zone of ${verticesOf(shape)} points, ${fields.isActive ? "open for trips at once" : "switched off"}`,
      `Priority ${fields.priority}, fares in ${fields.currency}`,
    ];
  }
  const lines: string[] = [];
  if (fields.name.trim() !== zone.name) lines.push(`Name: ${zone.name} → ${fields.name.trim()}`);
  if (Number(fields.priority) !== zone.priority) lines.push(`Priority: ${zone.priority} → ${fields.priority}`);
  if (fields.currency !== zone.currency) lines.push(`Currency: ${zone.currency} → ${fields.currency}`);
  if (fields.isActive !== zone.isActive)
    lines.push(fields.isActive ? "Switched on: trips are booked here" : "Switched off: no trip is booked here");
  if (JSON.stringify(shape) !== JSON.stringify(zone.shape))
    lines.push(`Outline: ${zone.points} points → ${verticesOf(shape)}; drivers there are counted anew`);
  return lines;
}
