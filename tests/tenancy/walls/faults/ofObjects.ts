import { tracing } from "../../../../src/tenancy/walls/moving.js";
import { type Fault, HOME, mendable, OTHER } from "./fault.js";

const stranger = (type: string, made: string, name: string) =>
  mendable(
    `a home's own ${type}`,
    made,
    `There is a ${type} in the home ${HOME}, which is for tables alone: ${HOME}.${name}.`,
  );

const TRACER = `moving_${"0".repeat(32)}`;
/** The function of a mover, or what calls itself one. */
export const tracer = (body: string, how = "set search_path = ''"): string =>
  `create function ${TRACER}() returns trigger language plpgsql ${how} as $body$${body}$body$`;
const impostor = (name: string, made: string): Fault => ({ ...stranger("function", made, `${TRACER}()`), name });

export const faultsOfObjects: readonly Fault[] = [
  stranger("view", "create view everybody as select * from users", "everybody"),
  stranger("materialized view", "create materialized view everybody as select * from users", "everybody"),
  stranger(
    "function",
    "create function now() returns bigint security definer language sql as 'select 0::bigint'",
    "now()",
  ),
  stranger("procedure", "create procedure leave() language sql as 'select 1'", "leave()"),
  impostor("a mover's function that does more", tracer(`${tracing(HOME, TRACER)} `)),
  impostor("a mover's function for another home", tracer(tracing(OTHER, TRACER))),
  impostor(
    "a mover's function with its owner's rights",
    tracer(tracing(HOME, TRACER), "security definer set search_path = ''"),
  ),
  impostor("a mover's function without a search_path", tracer(tracing(HOME, TRACER), "")),
  mendable(
    "a trigger of somebody else's beside a mover's",
    `${tracer(tracing(HOME, TRACER))};
     create trigger watch after insert on users for each row execute function ${TRACER}();
     create function public.copy() returns trigger language plpgsql as $$ begin return new; end $$;
     create trigger ${TRACER}_written before insert on users for each row execute function public.copy()`,
    `Table ${HOME}.users has the trigger ${TRACER}_written, which acts unasked.`,
  ),
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
