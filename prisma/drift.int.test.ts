import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findDrift } from "#prisma/drift.ts";
import { createDatabase, dropDatabase } from "#scripts/services/databases.ts";

const adminUrl = process.env.TEST_DATABASE_URL ?? "";
let names: [string, string];
let folder: string;

beforeEach(() => {
  const suffix = randomBytes(4).toString("hex");
  names = [`drift_a_${suffix}`, `drift_b_${suffix}`];
  folder = mkdtempSync(join(tmpdir(), "drift-test-"));
});
afterEach(async () => {
  for (const name of names) await dropDatabase(adminUrl, name);
  rmSync(folder, { recursive: true });
});

const SQL = `
CREATE TABLE drivers (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  status text NOT NULL DEFAULT 'offline' CHECK (status IN ('offline', 'online')),
  location point,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE trips (
  id uuid PRIMARY KEY,
  driver_id uuid CONSTRAINT trips_driver_id_fkey REFERENCES drivers (id) ON DELETE SET NULL
);
CREATE INDEX idx_drivers_status ON drivers (status, created_at DESC);
CREATE INDEX idx_drivers_location ON drivers USING gist (location);
CREATE UNIQUE INDEX one_online_driver_per_name ON drivers (name) WHERE status = 'online';`;

const SCHEMA = `
datasource db {
  provider = "postgresql"
}
model Driver {
  id        String                @id @db.Uuid
  name      String
  status    String                @default("offline")
  location  Unsupported("point")?
  createdAt DateTime              @default(now()) @map("created_at") @db.Timestamptz(6)
  trips     Trip[]
  @@index([status, createdAt(sort: Desc)], map: "idx_drivers_status")
  @@index([location], map: "idx_drivers_location", type: Gist)
  @@map("drivers")
}
model Trip {
  id       String  @id @db.Uuid
  driverId String? @map("driver_id") @db.Uuid
  driver   Driver? @relation(fields: [driverId], references: [id], onDelete: SetNull)
  @@map("trips")
}`;

async function drift(sql: string, schema: string): Promise<string[]> {
  const migrationsDir = join(folder, "migrations");
  mkdirSync(join(migrationsDir, "20260101000000_all"), { recursive: true });
  writeFileSync(join(migrationsDir, "migration_lock.toml"), 'provider = "postgresql"\n');
  writeFileSync(join(migrationsDir, "20260101000000_all", "migration.sql"), sql);
  const schemaFile = join(folder, "schema.prisma");
  writeFileSync(schemaFile, schema);
  const [migratedUrl, modelledUrl] = await Promise.all(names.map((name) => createDatabase(adminUrl, name)));
  return findDrift({ migratedUrl: migratedUrl ?? "", modelledUrl: modelledUrl ?? "", schemaFile, migrationsDir });
}

test("a schema and migrations that agree show no difference; checks and partial indexes live in SQL", async () => {
  expect(await drift(SQL, SCHEMA)).toEqual([]);
});

test.each([
  [
    "a column only in the schema",
    SQL,
    SCHEMA.replace("name      String\n", "name      String\n  phone String?\n"),
    "column drivers.phone: in schema.prisma only",
  ],
  [
    "a column only in the migrations",
    `${SQL} ALTER TABLE trips ADD fare bigint;`,
    SCHEMA,
    "column trips.fare: in the migrations only",
  ],
  ["another type", SQL.replace("name text", "name varchar(40)"), SCHEMA, "column drivers.name: the migrations say"],
  [
    "another default",
    SQL.replace("DEFAULT 'offline'", "DEFAULT 'online'"),
    SCHEMA,
    "column drivers.status: the migrations say",
  ],
  [
    "an optional column",
    SQL.replace("name text NOT NULL", "name text"),
    SCHEMA,
    "column drivers.name: the migrations say",
  ],
  [
    "another order in an index",
    SQL.replace("created_at DESC", "created_at"),
    SCHEMA,
    "index idx_drivers_status: the migrations say",
  ],
  [
    "another deletion rule",
    SQL.replace("SET NULL", "CASCADE"),
    SCHEMA,
    "foreign key trips.trips_driver_id_fkey: the migrations say",
  ],
  ["a table without a model", `${SQL} CREATE TABLE extra (id int);`, SCHEMA, "table extra: in the migrations only"],
])("%s is drift", async (_, sql, schema, difference) => {
  expect(await drift(sql, schema)).toContainEqual(expect.stringContaining(difference));
});
