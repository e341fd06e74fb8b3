import { scopeOf } from "../../graphql/context.js";
import type { MutationPayload } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { findOrganization } from "./loader.js";
import { Organization } from "./type.js";

/** What makes the fields of a payload. */
export type Fields<Payload> = Parameters<MutationPayload<Payload>["fields"]>[0];

/** The organization that a change was about, as whoever made it sees it afterwards. */
export const organizationField = <Payload extends { readonly organizationId: OrganizationId }>(
  t: Fields<Payload>,
  description: string,
) =>
  t.field({
    type: Organization,
    nullable: true,
    description,
    resolve: ({ organizationId }, _args, ctx) => findOrganization(scopeOf(ctx), organizationId),
  });
