import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: ["./src/tenancy/directory/table.ts", "./src/tenancy/directory/jobs.ts", "./src/tenancy/directory/hints.ts"],
  out: "./drizzle/directory",
  schemaFilter: ["tenantry"],
  breakpoints: false,
});
