import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: ["./src/tenancy/home.ts", "./src/features/*/table.ts"],
  out: "./drizzle/tenant",
  breakpoints: false,
});
