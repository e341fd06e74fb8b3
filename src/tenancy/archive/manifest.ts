import { z } from "zod";
import { isUuid, type TenantId } from "../../ids.js";
import { ISOLATIONS } from "../directory/table.js";
import { readMigrations } from "../migrations/files.js";

export const FORMAT = "tenantry archive 1";
export const MANIFEST = "manifest.json";
/** Digests of the identities that the directory lets knock at the tenant. */
export const IDENTITIES = "identities";
export const MOST_MANIFEST_BYTES = 1_000_000;

const file = z.strictObject({
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  /** SHA-256 of the file as it stands. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export const manifestForm = z.strictObject({
  format: z.literal(FORMAT),
  exportedAt: z.iso.datetime(),
  /** The last migration of the home that it comes from. */
  migration: z.string(),
  /** Tells, and no more, whether the installation that reads it has the key that digests of identities were made with. */
  key: z.string(),
  tenant: z.strictObject({
    id: z
      .string()
      .refine(isUuid)
      .transform((id) => id as TenantId),
    slug: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
    status: z.enum(["ACTIVE", "SUSPENDED"]),
    isolation: z.enum(ISOLATIONS),
    createdAt: z.iso.datetime(),
  }),
  files: z.record(z.string().regex(/^[a-z_]+$/), file),
});

/** What an archive says of itself. */
export type Manifest = z.output<typeof manifestForm>;
export type FileFacts = z.output<typeof file>;

/** The migration that homes of this version are at. */
export const thisMigration = (): string => readMigrations("tenant").at(-1)!.name;

export const fileName = (table: string): string => `${table}.ndjson`;

/** What is written in an archive does not go with this installation. Nothing of it was kept. */
export class ArchiveRefusedError extends Error {
  override readonly name = "ArchiveRefusedError";
}
