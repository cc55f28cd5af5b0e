import { SEALED_COLUMNS } from "#server/contracts/sealed-columns.ts";
import type { Cell, Cipher } from "#server/platform/cipher.ts";
import type { Queryable } from "#server/platform/db.ts";

export interface RotatedColumn {
  /** `table.column`. */
  readonly name: string;
  readonly rotated: number;
  /** Changed by somebody else at that moment, under the current key. */
  readonly overtaken: number;
}

/**
 * Encrypts anew, under the current key, what stands under another one. Row by row and only if nobody changed it
 * meanwhile, so the platform may run; stopped half-way it goes on where it was the next time, for what is done no longer
 * counts as old. Throws when a value's key is not on the ring.
 */
export async function rotateKeys(db: Queryable, cipher: Cipher, batch = 500): Promise<RotatedColumn[]> {
  const columns: RotatedColumn[] = [];
  for (const { table, column, id } of SEALED_COLUMNS) {
    let [rotated, overtaken] = [0, 0];
    let after = "00000000-0000-0000-0000-000000000000";
    for (;;) {
      const { rows } = await db.query<{ id: string; value: string }>(
        `SELECT ${id} AS id, ${column} AS value FROM ${table}
         WHERE ${column} IS NOT NULL AND NOT starts_with(${column}, $1) AND ${id} > $2 ORDER BY ${id} LIMIT $3`,
        [cipher.currentPrefix, after, batch],
      );
      for (const { id: rowId, value } of rows) {
        const cell = { table, column, rowId } as Cell;
        const { rowCount } = await db.query(`UPDATE ${table} SET ${column} = $3 WHERE ${id} = $1 AND ${column} = $2`, [
          rowId,
          value,
          cipher.encrypt(cipher.decrypt(value, cell), cell),
        ]);
        if (rowCount === 1) rotated++;
        else overtaken++;
      }
      if (rows.length < batch) break;
      after = rows.at(-1)?.id ?? after;
    }
    columns.push({ name: `${table}.${column}`, rotated, overtaken });
  }
  return columns;
}
