/**
 * Something the caller can act on: a member of a mutation's result union. Thrown inside the change, so that what was done
 * until then is undone.
 */
export abstract class Failure extends Error {
  /** Its GraphQL type. */
  abstract override readonly name: `${string}Failure`;
  /** Stable; what programs branch on. */
  abstract readonly code: string;

  constructor(
    message: string,
    /** Path into the input; null when no single field is at fault. */
    readonly field: readonly string[] | null = null,
  ) {
    super(message);
  }

  /** What a result union holds: the executor takes a returned Error for a thrown one. */
  toMember(): FailureMember {
    const { name, code, message, field } = this;
    return { __typename: name, code, message, field };
  }
}

export interface FailureMember {
  readonly __typename: string;
  readonly code: string;
  readonly message: string;
  readonly field: readonly string[] | null;
}

export class NotFoundFailure extends Failure {
  override readonly name = "NotFoundFailure";
  readonly code = "NOT_FOUND";
}

export class InvalidInputFailure extends Failure {
  override readonly name = "InvalidInputFailure";
  readonly code = "INVALID_INPUT";
}
