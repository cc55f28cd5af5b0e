import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

import type { SealedColumn } from "#server/contracts/sealed-columns.ts";

export interface EncryptionKey {
  /** Stored with each value; letters, digits and dashes. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

type PlaceOf<S extends SealedColumn> = S extends SealedColumn ? Pick<S, "table" | "column"> : never;

/**
 * Where a value stands: a column of the list that `keys:rotate` walks, so that none is sealed and forgotten there. It is
 * authenticated with the value: copied to another row or column, it does not open.
 */
export type Cell = PlaceOf<SealedColumn> & { readonly rowId: string };

const IV_BYTES = 12;
const TAG_BYTES = 16;
const aad = ({ table, column, rowId }: Cell) => Buffer.from(`${table}.${column}:${rowId}`);

/** A key for where none is configured (development, tests): made of the server's secret, so it changes with it. */
export const derivedKey = (secret: string): EncryptionKey => ({
  id: "derived",
  key: Buffer.from(hkdfSync("sha256", secret, "", "smartline encrypted columns", 32)),
});

/** AES-256-GCM for columns: `enc.<key id>.<iv, text and tag in base64url>`. New values take the first key; all keys read. */
export class Cipher {
  readonly #current: EncryptionKey;
  readonly #keys: ReadonlyMap<string, Buffer>;

  constructor(keys: readonly [EncryptionKey, ...EncryptionKey[]]) {
    this.#current = keys[0];
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  /** What every value under the current key begins with. */
  get currentPrefix(): string {
    return `enc.${this.#current.id}.`;
  }

  encrypt(text: string, cell: Cell): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#current.key, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(aad(cell));
    const body = Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return this.currentPrefix + body.toString("base64url");
  }

  /** Throws when the value was changed, stands in another place, or its key is not on the ring. */
  decrypt(stored: string, cell: Cell): string {
    const [mark, keyId = "", text = ""] = stored.split(".");
    const key = this.#keys.get(keyId);
    const where = `${cell.table}.${cell.column}`;
    if (mark !== "enc") throw new Error(`${where}: not an encrypted value`);
    if (key === undefined) throw new Error(`${where}: encrypted under "${keyId}", which ENCRYPTION_KEYS does not have`);
    const body = Buffer.from(text, "base64url");
    if (body.length < IV_BYTES + TAG_BYTES) throw new Error(`${where}: cut off`);
    const decipher = createDecipheriv("aes-256-gcm", key, body.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(aad(cell));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    return decipher.update(body.subarray(IV_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  }
}
