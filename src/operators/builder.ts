import SchemaBuilder from "@pothos/core";
import { GraphQLScalarType } from "graphql";
import type { Cursors } from "../graphql/cursor.js";
import type { Operator } from "../identity/operators.js";
import type { TenantListing } from "../tenancy/directory/listing.js";
import type { Asking } from "../tenancy/jobs/cancellation.js";
import type { JobDesk } from "../tenancy/jobs/desk.js";

/** What every resolver of the operators' door is given. */
export interface OperatorContext {
  readonly operator: Operator;
  readonly asking: Asking;
  readonly listing: TenantListing;
  readonly desk: JobDesk;
  readonly cursors: Cursors;
  /** What is wrong with where a new tenant is to live and whom it is to belong to, in words; null when nothing is. */
  readonly objection: (wish: Wish) => { readonly message: string; readonly field: string } | null;
}

/** What the settings have to allow. */
export interface Wish {
  readonly slug: string;
  readonly database: string | null;
  readonly ownerIssuer: string | null;
}

/** The schema of the operators' door: nothing of it is in that of the public one. */
export const builder = new SchemaBuilder<{
  Context: OperatorContext;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: never; Output: Date };
  };
}>({ defaultFieldNullability: false });

builder.queryType({ description: "What there is, and how far what was asked for is." });
builder.mutationType({
  description:
    "Every change but `cancelJob` hands in a job, which `tenantry work` does, and answers with it; or with a failure that says what to do. Ask `job` how far it is.",
});

builder.addScalarType(
  "DateTime",
  new GraphQLScalarType({
    name: "DateTime",
    description: "An instant, as ISO 8601 writes it, in UTC and to the millisecond.",
    serialize: (value) => (value as Date).toISOString(),
  }),
);
