// The executors that were tried, under one signature. graphql-jit compiles each document once and needs its operation's name.

import { execute as tools } from "@graphql-tools/executor";
import { execute as reference } from "graphql";
import { compileQuery, isCompiledQuery } from "graphql-jit";
import { execute as own } from "../dist/graphql/executor/execute.js";

const compiled = new WeakMap();

function jit({ schema, document, operationName, contextValue, variableValues }) {
  const known = compiled.get(document) ?? new Map();
  compiled.set(document, known);
  const key = operationName ?? "";
  if (!known.has(key)) known.set(key, compileQuery(schema, document, operationName ?? undefined));
  const query = known.get(key);
  return isCompiledQuery(query) ? query.query(undefined, contextValue, variableValues) : query;
}

export const EXECUTORS = { reference, own, tools, jit };
