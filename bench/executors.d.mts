import type { Execute } from "../src/graphql/execution.js";

export const EXECUTORS: Readonly<Record<string, Execute>>;
