import { InvalidInputFailure } from "../../graphql/failure.js";
import { isMetadataTooLarge, METADATA_TOO_LARGE, mergePatch } from "../../graphql/form.js";

type Values = Record<string, unknown>;

/** What a change makes different: each value before and after. Nothing is in it that stays as it was. */
export interface Changes extends Values {
  readonly before: Values;
  readonly after: Values;
}

/**
 * What an input makes of a row. A key that is left out stays; `metadata` is a merge patch.
 * @throws InvalidInputFailure when the merged metadata is larger than 8 kB
 */
export function patchOf(row: Values, { metadata, ...input }: Values): Changes {
  const merged = metadata == null ? undefined : mergePatch((row.metadata ?? {}) as Values, metadata as Values);
  if (merged && isMetadataTooLarge(merged)) throw new InvalidInputFailure(METADATA_TOO_LARGE, ["input", "metadata"]);

  const different = Object.entries({ ...input, metadata: merged }).filter(
    ([key, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(row[key]),
  );
  return {
    before: Object.fromEntries(different.map(([key]) => [key, row[key] ?? null])),
    after: Object.fromEntries(different),
  };
}
