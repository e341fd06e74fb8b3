import type { GraphQLSchema } from "graphql";
import { builder } from "./builder.js";
import "./types.js";
import "./queries.js";
import "./changes.js";
import "./cancelJob.js";

/** What operators can ask for and have done, at a door of their own. Whoever gets in there may do all of it. */
export const buildOperatorsSchema = (): GraphQLSchema => builder.toSchema({ sortSchema: false });
