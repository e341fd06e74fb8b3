import { builder } from "../../graphql/builder.js";
import type { Context } from "../../graphql/context.js";
import { decodeId } from "../../graphql/nodeId.js";
import { known } from "../../graphql/permission.js";
import { wordPattern } from "../../graphql/text.js";
import type { Shown } from "./pages.js";
import { OrganizationStatus } from "./type.js";

export const OrganizationFilter = builder.inputType("OrganizationFilter", {
  description: "Which organizations a list shows: those to which everything given here applies.",
  fields: (t) => ({
    search: t.string({
      description: "Those whose name or address has a word that begins with this, whatever the capitals.",
    }),
    parentId: t.id({ description: "Those right below this organization. None when it is hidden from the viewer." }),
    permission: t.string({ description: "Those in which the viewer holds this permission." }),
    status: t.field({
      type: [OrganizationStatus],
      description: "Those of which somebody made one of these; in any state when left out.",
    }),
    isOpen: t.boolean({ description: "Those that are in use; with false, those that are not." }),
  }),
});

export const OrganizationOrder = builder.enumType("OrganizationOrder", {
  description: "How organizations are ordered. Names by the code of their letters, capitals first.",
  values: {
    NAME_ASC: { description: "By name." },
    NAME_DESC: { description: "By name, backwards." },
    CREATED_AT_ASC: { description: "First created first." },
    CREATED_AT_DESC: { description: "Last created first." },
  } as const,
});

/**
 * What a filter means.
 * @param permission one that the list asks for besides
 * @throws BadInputError for a permission that is not known, an id of something else, and a search that no text can match
 */
export function toShown(
  ctx: Context,
  filter: typeof OrganizationFilter.$inferInput | null | undefined,
  permission?: string | null,
): Shown {
  const { search, parentId, status, isOpen, permission: filtered } = filter ?? {};
  return {
    pattern: wordPattern(search, "filter.search"),
    parentId: parentId == null ? null : decodeId("Organization", parentId, "filter.parentId"),
    status,
    isOpen,
    permissions: [
      ...(permission == null ? [] : [known(ctx, permission)]),
      ...(filtered == null ? [] : [known(ctx, filtered, "filter.permission")]),
    ],
  };
}
