import { type Fault, HOME, mendable } from "./fault.js";

const stranger = (type: string, made: string, name: string) =>
  mendable(
    `a home's own ${type}`,
    made,
    `There is a ${type} in the home ${HOME}, which is for tables alone: ${HOME}.${name}.`,
  );

export const faultsOfObjects: readonly Fault[] = [
  stranger("view", "create view everybody as select * from users", "everybody"),
  stranger("materialized view", "create materialized view everybody as select * from users", "everybody"),
  stranger(
    "function",
    "create function now() returns bigint security definer language sql as 'select 0::bigint'",
    "now()",
  ),
  stranger("procedure", "create procedure leave() language sql as 'select 1'", "leave()"),
  stranger("sequence", "create sequence numbers", "numbers"),
  stranger(
    "operator",
    `create function public.never(text, uuid) returns boolean language sql as 'select false';
     create operator = (leftarg = text, rightarg = uuid, function = public.never)`,
    "=(pg_catalog.text,pg_catalog.uuid)",
  ),
  stranger("type", "create type mood as enum ('GOOD')", "mood"),
  ...[
    "create domain address as text",
    "create type pair as (a int, b int)",
    "create type span as range (subtype = int)",
  ].map((made) => ({ ...stranger("type", made, /(?:domain|type) (\w+)/.exec(made)?.[1] ?? ""), name: made })),
  mendable(
    "a function elsewhere that runs as its owner",
    "create function public.everybody() returns bigint security definer language sql as 'select 1::bigint'",
    "The login tenantry_serve can call public.everybody(), which runs with its owner's rights (SECURITY DEFINER).",
  ),
  mendable(
    "a trigger",
    `create function public.copy() returns trigger language plpgsql as $$ begin return new; end $$;
     create trigger watch before insert on users for each row execute function public.copy()`,
    `Table ${HOME}.users has the trigger watch, which acts unasked.`,
  ),
  mendable(
    "a rule",
    "create rule swallow as on insert to users do instead nothing",
    `Table ${HOME}.users has the rule swallow, which turns a statement into another.`,
  ),
];
