/** Why a request or a command was not served: a stable `code`, the HTTP `status`, and words for whoever asked. */
export abstract class IdentityError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;

  override get name(): string {
    return this.constructor.name;
  }
}

/** The credential was refused; nothing of the request may run. The message says what to do and never why in detail. */
export class UnauthenticatedError extends IdentityError {
  readonly code = "UNAUTHENTICATED";
  readonly status = 401;
}

/**
 * The credential could not be judged because the issuer's keys are out of reach. The caller may try the same request
 * again after `retryAfterSeconds`. `cause` holds what went wrong, for the log only: it names hosts.
 */
export class IdentityUnavailableError extends IdentityError {
  readonly code = "UNAVAILABLE";
  readonly status = 503;

  constructor(
    readonly retryAfterSeconds: number,
    cause: unknown,
  ) {
    super("Tokens of this issuer cannot be checked at the moment. Try again shortly.", { cause });
  }
}

/** The host, the X-Tenant header and the credential name different tenants. */
export class TenantConflictError extends IdentityError {
  readonly code = "TENANT_CONFLICT";
  readonly status = 400;

  constructor() {
    super("The request names more than one tenant. Let host, X-Tenant and token name the same one.");
  }
}

/** Unknown, suspended and "not in it" all read like this, so that nobody learns which tenants exist. */
export class TenantNotFoundError extends IdentityError {
  readonly code = "TENANT_NOT_FOUND";
  readonly status = 400;

  constructor() {
    super("There is no such tenant, or you are not in it.");
  }
}

/** The request needs a tenant and names none. */
export class TenantRequiredError extends IdentityError {
  readonly code = "TENANT_REQUIRED";
  readonly status = 400;

  constructor() {
    super("The request names no tenant. Send its slug in the X-Tenant header.");
  }
}

/** The development issuer knows nobody of that address (in that tenant). The message names a few whom it knows: local only. */
export class UnknownPersonError extends IdentityError {
  readonly code = "UNKNOWN_PERSON";
  readonly status = 404;
}

/**
 * A file of the data folder is missing or damaged, or a setting is wrong. The message names it and says how to mend it: for
 * the operator, because it holds paths.
 */
export class IdentitySetupError extends IdentityError {
  readonly code = "IDENTITY_SETUP";
  readonly status = 500;
}
