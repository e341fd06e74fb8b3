import { builder } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { BadInputError } from "../../graphql/errors.js";
import { connection, type PageArgs } from "../../graphql/page.js";
import { OrganizationFilter, OrganizationOrder, toShown } from "./filter.js";
import { childrenOf, descendantsOf, type OrderBy, visibleOrganizations, type Wanted } from "./pages.js";
import { Organization } from "./type.js";

export const OrganizationConnection = builder.connectionObject(
  { type: Organization, name: "OrganizationConnection", description: "A page of organizations." },
  { name: "OrganizationEdge", description: "An organization, and its place in the list." },
);

interface ListArgs extends PageArgs {
  readonly filter?: typeof OrganizationFilter.$inferInput | null;
  readonly orderBy?: OrderBy | null;
  /** One that the list asks for besides those of its filter. */
  readonly permission?: string | null;
}

/** A page of a list of organizations, with the list's filter and order. */
export const organizationPage = (
  ctx: Context,
  list: { readonly name: string; readonly parentId?: string },
  { filter, orderBy, permission, ...args }: ListArgs,
  read: (wanted: Wanted) => ReturnType<typeof visibleOrganizations>,
) => {
  const order = orderBy ?? "NAME_ASC";
  const shown = toShown(ctx, filter, permission);
  // Pothos has a type of its own for what a connection resolves to.
  return connection(ctx, { ...list, filter: shown, order }, args, (page) =>
    read({ page, orderBy: order, shown }),
  ) as never;
};

builder.objectFields(Organization, (t) => ({
  children: t.field({
    type: OrganizationConnection,
    nullable: true,
    description: "The organizations right below, by name; those hidden from the viewer are left out.",
    args: {
      filter: t.arg({ type: OrganizationFilter, description: "Which of them." }),
      orderBy: t.arg({ type: OrganizationOrder, description: "In which order; by name when left out." }),
      ...t.arg.connectionArgs(),
    },
    resolve: ({ id }, args, ctx) =>
      organizationPage(ctx, { name: "children", parentId: id }, args, (wanted) => childrenOf(scopeOf(ctx), id, wanted)),
  }),
  descendants: t.field({
    type: OrganizationConnection,
    nullable: true,
    description: "All organizations below, by name; those hidden from the viewer are left out.",
    args: {
      maxDepth: t.arg.int({ description: "How many levels down: 1 for the children alone; all when left out." }),
      first: t.arg.int({ description: "How many, counted from the start; 20 when left out, 100 at most." }),
      after: t.arg.string({ description: "Begin after this cursor of the same list." }),
    },
    resolve: ({ id }, { maxDepth, ...args }, ctx) => {
      if (maxDepth != null && maxDepth < 1)
        throw new BadInputError(`\`maxDepth\` must be 1 or more; it is ${maxDepth}.`, "maxDepth");
      const list = { name: "descendants", parentId: id, filter: maxDepth ?? null, order: "NAME_ASC" };
      return connection(ctx, list, args, (page) => descendantsOf(scopeOf(ctx), id, page, maxDepth ?? null)) as never;
    },
  }),
}));

builder.queryField("organizations", (t) =>
  t.field({
    type: OrganizationConnection,
    nullable: true,
    description: "Every organization the viewer can see, by name.",
    args: {
      filter: t.arg({ type: OrganizationFilter, description: "Which of them." }),
      orderBy: t.arg({ type: OrganizationOrder, description: "In which order; by name when left out." }),
      ...t.arg.connectionArgs(),
    },
    resolve: (_root, args, ctx) =>
      organizationPage(ctx, { name: "organizations" }, args, (wanted) => visibleOrganizations(scopeOf(ctx), wanted)),
  }),
);
