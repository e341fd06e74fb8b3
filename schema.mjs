// Writes schema.graphql, the API as clients read it, and schema.operators.graphql, that of operators: `npm run schema`.
import { writeFileSync } from "node:fs";
import { lexicographicSortSchema, printSchema } from "graphql";
import { buildOperatorsSchema } from "./dist/operators/schema.js";
import { buildSchema } from "./dist/schema.js";

const write = (name, schema) =>
  writeFileSync(new URL(name, import.meta.url), `${printSchema(lexicographicSortSchema(schema))}\n`);
write("schema.graphql", buildSchema().schema);
write("schema.operators.graphql", buildOperatorsSchema());
