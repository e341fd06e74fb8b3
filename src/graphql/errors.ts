import { GraphQLError, type GraphQLErrorExtensions } from "graphql";
import type { Reach } from "../access/access.js";

/** The caller sent something that cannot be meant. Ends the request, or the field it is thrown in. */
export class BadInputError extends GraphQLError {
  constructor(message: string, field?: string) {
    super(message, {
      extensions: { code: "BAD_USER_INPUT", ...(field && { field: field.split(".") }), http: { status: 400 } },
    });
  }
}

/** A rule said no to somebody who is known. Nulls its own field and nothing around it. */
export class ForbiddenError extends GraphQLError {
  constructor(permission: string, organizationId: string | null, reach: Reach = "ORGANIZATION") {
    const far = reach === "SUBTREE" ? ", and everywhere below it" : "";
    super(`This needs ${permission} in this organization${far}.`, {
      extensions: { code: "FORBIDDEN", permission, organizationId, ...(far && { reach }) },
    });
  }
}

/** A rule asks for a viewer, and there is none. */
export class UnauthenticatedError extends GraphQLError {
  constructor() {
    super("Sign in to use this: send a token in the header Authorization: Bearer <token>.", {
      extensions: { code: "UNAUTHENTICATED" },
    });
  }
}

/** An error that ends the whole request: nothing of it was done. */
export function refusal(
  code: string,
  message: string,
  status: number,
  { headers, ...more }: GraphQLErrorExtensions & { readonly headers?: Record<string, string> } = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...more, http: { status, ...(headers && { headers }) } } });
}
