// Writes schema.graphql, the API as clients read it: `npm run schema`.
import { writeFileSync } from "node:fs";
import { lexicographicSortSchema, printSchema } from "graphql";
import { buildSchema } from "./dist/schema.js";

const text = printSchema(lexicographicSortSchema(buildSchema().schema));
writeFileSync(new URL("schema.graphql", import.meta.url), `${text}\n`);
